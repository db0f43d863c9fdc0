"""Bounds of what the program needs, and the lock that its images are made of."""

import re
import tomllib

from lowest import PROJECT, lowest

LOCK = PROJECT.with_name("requirements.lock")
_HASHES = r"((?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)"
PINNED = re.compile(r"^([\w.-]+)==([\w.]+) \\\n" + _HASHES, re.MULTILINE)


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(one) for one in re.findall(r"\d+", version))


def test_every_requirement_has_a_lower_bound() -> None:
    """It is what `make lowest` installs."""
    assert all(re.fullmatch(r"[\w-]+==[\w.]+", one) for one in lowest())


def test_the_lock_has_what_the_program_needs() -> None:
    """Each requirement is pinned within its bounds, and everything that is pinned has hashes."""
    text = LOCK.read_text(encoding="utf-8")
    pinned = {name: version for name, version, _ in PINNED.findall(text)}
    assert len(pinned) == len(re.findall(r"^[^\s#]", text, re.MULTILINE))
    for wanted in tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["dependencies"]:
        name, least, most = re.fullmatch(r"([\w-]+)>=([\w.]+)(?:,<([\w.]+))?", wanted).groups()
        assert numbers(pinned[name]) >= numbers(least)
        assert most is None or numbers(pinned[name]) < numbers(most)
