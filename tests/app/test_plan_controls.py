"""Control ports: ones that are not tested, as long as there are any."""

import pytest

from probe.app.plan import controls_for
from probe.model.target import Port, Protocol
from probe.services.port_list import parse_ports


@pytest.mark.parametrize(
    ("tested", "controls"),
    [
        ("22", {1006, 18233, 61417}),
        ("1006,18233,61417", {1005, 23719, 62843}),
        ("1003-1006", {1007, 18233, 61417}),
        ("-", {1006, 18233, 61417}),
        ("0-", {1006, 18233, 61417}),
    ],
)
def test_controls_stand_apart_while_there_is_room(tested: str, controls: set[int]) -> None:
    """Where every port is tested, controls are asked a second time instead of not at all."""
    assert set(controls_for(parse_ports(tested))) == {Port(Protocol.TCP, number) for number in controls}
