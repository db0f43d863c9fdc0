"""The README says of every cause what the program says, in the same order."""

import re
from pathlib import Path

from probe.model.diagnosis import Cause
from probe.report.cause_words import MEANINGS

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_has_every_cause() -> None:
    """The table below `## Doctor` is the table of the program."""
    section = README.read_text(encoding="utf-8").partition("\n## Doctor\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", section, re.MULTILINE) == [
        (cause.value, MEANINGS[cause]) for cause in Cause
    ]
