"""Looking a port up in a report."""

import pytest
from sample_reports import TYPICAL

from probe.errors import UsageError


def test_a_port_by_its_number() -> None:
    """Its row, by number and protocol."""
    row = TYPICAL.ports[0]
    assert TYPICAL.port(row.port, row.protocol) is row


@pytest.mark.parametrize(("number", "protocol"), [(4, "tcp"), (TYPICAL.ports[0].port, "udp")])
def test_a_port_that_there_is_not(number: int, protocol: str) -> None:
    """One that was not probed, or not by this protocol, is an error that names it."""
    with pytest.raises(UsageError, match=f"no row of port {number}/{protocol}"):
        TYPICAL.port(number, protocol)
