"""Data, echoes and traces over real kernels: black holes, routers that report, firewalls on either side."""

from typing import Any

import path_world as there
import pytest
from run_world import results_of


@pytest.fixture(scope="module")
def seen() -> Any:
    """Everything that was measured in the world, once."""
    return results_of("path_world.py")


# What each address shows of data through its open port: small, big, segment, learnt, reporter, working.
PATHS = {
    there.HEALTHY: ("arrived", "arrived", 1448, None, None, None),
    there.HEALTHY6: ("arrived", "arrived", 1428, None, None, None),
    there.NARROW: ("arrived", "arrived", 1448, 1400, "10.77.1.1", None),
    there.NARROW6: ("arrived", "arrived", 1428, 1400, "fd77:1::1", None),
    there.HOLE: ("arrived", "stalled", 1448, None, None, 1280),
    there.HOLE6: ("arrived", "stalled", 1428, None, None, 1280),
}


@pytest.mark.netns
@pytest.mark.parametrize("address", PATHS)
def test_size_of_the_path(address: str, seen: Any) -> None:
    """Full packets pass, or a router reports a smaller size and they pass then, or they vanish."""
    trial = seen["mtu"]["trials"][address]
    facts = ("small", "big", "segment", "learnt_mtu", "reporter", "working_mtu")
    assert tuple(trial[fact] for fact in facts) == PATHS[address]
    assert (trial["port"], trial["route_mtu"]) == (there.HOLD, 1500)


# Peers that do not listen: what their kernel acknowledged before they were gone is left to chance.
PEERS = [
    (there.HANGS_UP, {"arrived"}, {"arrived"}),  # its end came after the data
    (there.CLOSES, {"arrived", "ended"}, {"arrived", "ended"}),
    (there.RESETS, {"arrived", "ended", "no connection"}, {"ended"}),  # gone before the first look, perhaps
    (there.KEEPS, {"stalled"}, {"ended"}),  # nothing after the handshake passes
]


@pytest.mark.netns
@pytest.mark.parametrize(("port", "small", "big"), PEERS)
def test_peers_that_end(port: int, small: set[str], big: set[str], seen: Any) -> None:
    """What a peer acknowledged before it hung up counts; else its end shows nothing."""
    trial = seen["mtu"]["trials"][str(port)] or {"small": "no connection", "big": "ended"}
    assert trial["small"] in small
    assert trial["big"] in big


@pytest.mark.netns
def test_closed_port_is_no_trial(seen: Any) -> None:
    """Where no connection is made, nothing was measured."""
    assert seen["mtu"]["trials"]["9"] is None


@pytest.mark.netns
@pytest.mark.wall_time
def test_trials_run_at_once(seen: Any) -> None:
    """Six addresses, two of them black holes, take less than two seconds."""
    assert seen["mtu"]["seconds"] < 2


# reason, requests, sender, refused here, round trip known
ECHOES = {
    there.HEALTHY: ["echo-reply", 1, there.HEALTHY, False, True],
    there.HEALTHY6: ["echo-reply", 1, there.HEALTHY6, False, True],
    there.MUTE: ["no-response", 3, "None", False, False],
    there.FORBIDDEN: ["admin-prohibited", 1, "10.77.1.2", True, False],
    there.REJECTED: ["admin-prohibited", 1, "10.77.1.1", False, False],
    there.NOBODY: ["no-response", 3, "None", False, False],
    "10.99.0.1": ["no-route", 1, "None", False, False],
}


@pytest.mark.netns
def test_echoes(seen: Any) -> None:
    """A reply, silence, a router's error, this machine's own refusal, no route."""
    assert seen["ping"]["echoes"] == ECHOES


@pytest.mark.netns
@pytest.mark.wall_time
def test_pings_run_at_once(seen: Any) -> None:
    """Seven addresses, some of them silent, take a second."""
    assert seen["ping"]["seconds"] < 1.3


@pytest.mark.netns
def test_ping_may_be_forbidden(seen: Any) -> None:
    """Where no ping socket may be opened, nothing was measured."""
    assert seen["ping"]["forbidden"] == 0


@pytest.mark.netns
@pytest.mark.parametrize("address", [there.MUTE, there.NOBODY])
def test_the_ttl_trace_stops_at_the_router(address: str, seen: Any) -> None:
    """The router is the last that answers."""
    assert seen["traces"][address] == [[1, "10.77.1.1", False], [2, "None", False]]
