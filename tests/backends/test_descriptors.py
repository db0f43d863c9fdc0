"""How many sockets fit below the limit of open files."""

import sys
from types import SimpleNamespace

import pytest

from probe.backends.sockets import allow_sockets

INFINITY = -1

# soft, hard, most that the system lets it be raised to -> sockets allowed of 16,000, soft limit then
LIMITS = [
    (1024, 1_048_576, None, 16_000, 16_064),
    (1024, 4096, None, 4032, 4096),
    (1024, INFINITY, None, 16_000, 16_064),
    (INFINITY, INFINITY, None, 16_000, INFINITY),
    (20_000, 20_000, None, 19_936, 20_000),
    (256, INFINITY, 10_240, 192, 256),  # macOS: `unlimited` is not meant
    (32, 32, None, 1, 32),
]


@pytest.mark.parametrize(("soft", "hard", "most", "allowed", "after"), LIMITS)
def test_allow(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, most: int | None, allowed: int, after: int
) -> None:
    """The soft limit goes up as far as it is useful and permitted, never down."""
    limits = {"soft": soft}

    def setrlimit(_: int, wanted: tuple[int, int]) -> None:
        if most is not None and wanted[0] > most:
            raise ValueError("too many")
        limits["soft"] = wanted[0]

    fake = SimpleNamespace(
        RLIMIT_NOFILE=7,
        RLIM_INFINITY=INFINITY,
        getrlimit=lambda _: (limits["soft"], hard),
        setrlimit=setrlimit,
    )
    monkeypatch.setitem(sys.modules, "resource", fake)
    assert allow_sockets(16_000) == allowed
    assert limits["soft"] == after


def test_no_limits_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has no such limit to ask for."""
    monkeypatch.setitem(sys.modules, "resource", None)
    assert allow_sockets(16_000) == 512
