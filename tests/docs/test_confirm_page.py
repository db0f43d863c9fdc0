"""The sample of docs/confirm.md is what the command prints."""

from pathlib import Path

from probe.app.confirm import confirmed
from probe.app.saved import render
from probe.lab.check import scanned
from probe.lab.files import find_scenario
from probe.model.sockets import ConfirmOutcome, Contradiction
from probe.socktable.table import read_socket_table

PAGE = (Path(__file__).parents[2] / "docs" / "confirm.md").read_text(encoding="utf-8")
LIST = """Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process
tcp LISTEN 0 128 0.0.0.0:443 0.0.0.0:* users:(("nginx",pid=801,fd=3))
tcp LISTEN 0 128 127.0.0.1:5432 0.0.0.0:* users:(("postgres",pid=803,fd=3))
"""


def test_the_sample() -> None:
    """Line by line, for the demo and a list."""
    report = confirmed([scanned(find_scenario("demo"), "sim")], read_socket_table(LIST))
    text = render(report, "table", width=120)
    sample = PAGE.partition("```\nOn the target\n")[2].partition("```")[0].splitlines()
    assert len(sample) == 3
    for line in ("On the target", *sample):
        assert f"{line}\n" in text


def test_every_outcome_is_explained() -> None:
    """Each outcome and each reason of a contradiction stands on the page."""
    for word in (*ConfirmOutcome, *Contradiction):
        assert f"`{word}`" in PAGE
