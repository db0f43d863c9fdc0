"""The page about watching: its tables name every kind of line and every metric."""

import re
from pathlib import Path

from probe.model.watching import WatchKind
from probe.report.prometheus import METRICS

PAGE = (Path(__file__).parents[2] / "docs" / "watch.md").read_text(encoding="utf-8")


def test_every_kind_and_every_metric_has_a_row() -> None:
    """And no row is of what does not exist."""
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert rows == [*WatchKind, *METRICS]
