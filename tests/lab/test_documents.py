"""Files of scenarios that are none: one line, whatever YAML makes of them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.errors import UsageError
from probe.lab.scenario import load_scenario

# text -> what is wrong with it
BROKEN = {
    "about: 2024-13-45": "month must be in 1..12",
    "about: 2024-02-30T10:00:00Z": "day is out of range",
    f"about: {'9' * 10_000}": "4300 digits",
    "[" * 100_000: "nested too deeply",
    "{a: " * 3_000 + "1" + "}" * 3_000: "nested too deeply",
    "about: !!timestamp x": "a value that cannot be read",
    "about: !!int x": "invalid literal",
    "about: !!int ''": "a value that cannot be read",
    "about: !!bool x": "a value that cannot be read",
    "about: !!float x": "could not convert",
    "{[a]: 1}": "unhashable key (line 1)",
    "about: x\nx: !!python/object:os.system x": "could not determine a constructor",
    "about: [1": "expected ',' or ']'",
    "a: &a [*a]": "unknown field",
    "a: \0": "special characters are not allowed",
    "about: \ud800": "",
}
PIECES = st.sampled_from(
    [
        *("about", "expect", ": ", "\n", "  ", "- ", "[", "]", "{", "}", "&a", "*a", "!!int ", "2024-13-45"),
        *(
            "<<: ",
            "? ",
            "|",
            ">",
            "'",
            '"',
            "#",
            "%",
            "@",
            "\t",
            "\x85",
            "\ufeff",
            ".nan",
            "0x",
            "1:99",
            "lan",
        ),
        "9" * 5000,
    ]
)


@pytest.mark.parametrize("text", BROKEN, ids=lambda text: text[:20])
def test_broken_files(text: str, tmp_path: Path) -> None:
    """What is wrong, in one line that names the file."""
    path = tmp_path / "x.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(UsageError) as raised:
        load_scenario(path)
    (line,) = str(raised.value).splitlines()
    assert "scenario" in line
    assert BROKEN[text] in line


@given(st.lists(PIECES, max_size=30).map("".join))
def test_any_file(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """A scenario, or an error of one line."""
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        load_scenario(path)
    assert len(str(raised.value).splitlines()) == 1
