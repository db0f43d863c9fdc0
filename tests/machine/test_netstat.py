"""The counter of packets that the check of the reverse path dropped."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.machine.system import parse_netstat, reverse_path_drops

KERNEL = """TcpExt: SyncookiesSent IPReversePathFilter TCPTimeWaitOverflow
TcpExt: 0 17 3
IpExt: InNoRoutes IPReversePathFilter
IpExt: 1 99
"""

CASES = [
    (KERNEL, 17),
    ("TcpExt: SyncookiesSent\nTcpExt: 0\n", None),
    ("TcpExt: SyncookiesSent IPReversePathFilter\nTcpExt: 0\n", None),
    ("TcpExt: IPReversePathFilter\n", None),
    ("TcpExt: IPReversePathFilter\nTcpExt: x\n", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_parse(text, expected):
    """The number below the name, in its own group."""
    assert parse_netstat(text) == expected


@given(st.text(max_size=200))
def test_never_raises(text):
    """Any text gives a number or nothing."""
    assert parse_netstat(text) is None


def test_absent(tmp_path):
    """Where there is no such file, or one of bytes, nothing is known."""
    assert reverse_path_drops(tmp_path / "none") is None
    odd = tmp_path / "odd"
    odd.write_bytes(b"TcpExt: \xff\n")
    assert reverse_path_drops(odd) is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the counter")
def test_this_kernel_reports():
    """The running kernel has it."""
    drops = reverse_path_drops()
    assert drops is not None
    assert drops >= 0
