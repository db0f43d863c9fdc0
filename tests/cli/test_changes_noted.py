"""The lines on stderr about what changed during a scan."""

from ipaddress import ip_address

import pytest

from probe.cli.notices import warn_of_changes
from probe.lab.check import scanned
from probe.lab.scenario import TARGET_ADDRESSES, parse_scenario


def report(ports: str):
    """A scan of a LAN and a slow VPN, during which every service ends."""
    listen = [{"port": port, "bind": "0.0.0.0"} for port in (80, 443, 8000, 8001)]
    document = {
        "about": "every service ends",
        "addresses": ["lan", "vpn"],
        "links": {"vpn": {"delay_ms": 20}},
        "target": {"listen": listen},
        "events": [{"at_ms": 15, "does": "stop"}],
        "scan": {"ports": ports},
        "expect": {},
    }
    return scanned(parse_scenario("ends", document), "sim")


def test_a_port_that_changed_is_named(capsys):
    """With both of its answers, and what to do."""
    warn_of_changes(report("8000"), quiet=False)
    lan = ip_address(TARGET_ADDRESSES["lan"])
    what = f"8000: accepted on {lan} (lan) at first, then refused: it stopped listening during the scan"
    line = f"{what}; run it again\n"
    assert capsys.readouterr().err == line


@pytest.mark.parametrize(("quiet", "lines"), [(False, 4), (True, 0)])
def test_of_many_changes_a_few_are_named(quiet, lines, capsys):
    """And the number of the others."""
    warn_of_changes(report("80,443,8000,8001"), quiet=quiet)
    found = capsys.readouterr().err.splitlines()
    assert len(found) == lines
    assert not found or found[-1] == "2 more changed during the scan; run it again"
