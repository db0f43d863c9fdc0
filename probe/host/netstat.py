"""What this machine's own kernel threw away: one counter of Linux that every user may read.

A packet that arrives by another interface than answers to it would leave by is dropped by the check of the
reverse path (rp_filter, RFC 3704), and counted (`LINUX_MIB_IPRPFILTER`, include/uapi/linux/snmp.h). So it
takes no raw packets to see that answers come by the wrong way.
"""

from itertools import pairwise
from pathlib import Path

_GROUP, _NAME = "TcpExt:", "IPReversePathFilter"
# Of this thread: other threads may be in other network namespaces.
NETSTAT = Path("/proc/thread-self/net/netstat")


def reverse_path_drops(path: Path = NETSTAT) -> int | None:
    """Packets dropped by the check of the reverse path so far; None where the system does not tell."""
    try:
        return parse_netstat(path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError):  # another system, or none that shows it
        return None


def parse_netstat(text: str) -> int | None:
    """Find the counter: a line of names is followed by one of numbers, both with their group before them."""
    lines = [line.split() for line in text.splitlines() if line.startswith(_GROUP)]
    for names, numbers in pairwise(lines):
        found = dict(zip(names, numbers, strict=False)).get(_NAME, "")
        if found.isdecimal():
            return int(found)
    return None
