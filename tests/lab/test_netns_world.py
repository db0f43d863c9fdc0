"""Worlds of real kernels: timing, loss, services, and that they leave nothing behind."""

import netns_tasks
import pytest

pytestmark = pytest.mark.netns

SERVICE = {"listen": [{"port": 80, "bind": "::"}]}

AFTERMATHS = {
    "hold": "TimeoutError",
    "greet": "b'220 ready\\r\\n'",
    "close": "b''",
    "reset": "ConnectionResetError",
}

BROKEN = {
    "nobody's address": (
        {"addresses": ["lan"], "target": {"listen": [{"port": 80, "bind": "10.1.2.3"}]}},
        "BackendError: the target host: cannot listen on 10.1.2.3 port 80",
    ),
    "a device that is not there": (
        {"addresses": ["lan"], "target": {"listen": [{"port": 80, "bind": "0.0.0.0", "device": "vpn"}]}},
        "BackendError: the target host: cannot listen on 0.0.0.0 port 80",
    ),
    "an unknown symbol": ({"addresses": ["wan"]}, "ScenarioError: 'wan' is no address"),
    "a port list": (
        {"addresses": ["lan"], "target": {"filter": [{"action": "drop", "ports": "3-1"}]}},
        "UsageError",
    ),
}


@pytest.mark.wall_time
def test_delay_is_right_within_two_milliseconds() -> None:
    """A link of 20 ms each way makes a handshake of 40 ms in both families, also behind the router."""
    links = {"vpn": {"delay_ms": 20}, "public": {"delay_ms": 20}, "lan": {"delay_ms": 5}}
    given = {"addresses": ["lan", "vpn", "vpn6", "public", "public6"], "links": links, "target": SERVICE}
    took = netns_tasks.run("round_trips", given, given["addresses"], 80)
    expected = {"lan": 10, "vpn": 40, "vpn6": 40, "public": 40, "public6": 40}
    assert took == pytest.approx(expected, abs=2)


def test_links_without_delay_take_no_time() -> None:
    """Without a delay no cable slows a link down."""
    given = {"addresses": ["lan", "public6"], "target": SERVICE}
    assert max(netns_tasks.run("round_trips", given, given["addresses"], 80).values()) < 5


def test_loss_hits_both_ways_and_both_families() -> None:
    """A loss of 20 % each way leaves 64 % of the answers, on this link only."""
    listen = [{"port": 80, "bind": "::", "protocol": "udp", "serves": "answer"}]
    given = {
        "addresses": ["lan", "vpn", "vpn6", "public"],
        "links": {"vpn": {"loss": 0.2}, "public": {"loss": 0.2}},
        "target": {"listen": listen},
    }
    shares = netns_tasks.run("answered", given, given["addresses"], 80, 1000)
    # Five standard deviations of 1,000 draws are 0.076.
    assert shares == pytest.approx({"lan": 1.0, "vpn": 0.64, "vpn6": 0.64, "public": 0.64}, abs=0.076)


def test_services_treat_their_peers_as_stated() -> None:
    """An accepted connection is held, greeted, closed or reset."""
    ports = dict(enumerate(AFTERMATHS, 8000))
    listen = [{"port": port, "bind": "0.0.0.0", "serves": serves} for port, serves in ports.items()]
    given = {"addresses": ["lan"], "target": {"listen": listen}}
    found = netns_tasks.run("aftermaths", given, "lan", list(ports))
    assert {serves: found[str(port)] for port, serves in ports.items()} == AFTERMATHS


def test_syn_proxy_hands_over_to_the_service() -> None:
    """Through a SYN proxy a running service speaks, and a stopped one resets."""
    listen = [{"port": 80, "bind": "::", "serves": "greet"}]
    given = {"addresses": ["public"], "target": {"listen": listen}, "router": {"syn_proxy": "80-81"}}
    found = netns_tasks.run("aftermaths", given, "public", [80, 81])
    assert found == {"80": AFTERMATHS["greet"], "81": AFTERMATHS["reset"]}


def test_the_prober_is_this_process() -> None:
    """Routes, neighbours and sockets of the world are those of the process that opened it."""
    result = netns_tasks.run("prober", "loopback-only")
    assert result == {
        "routes": {
            "192.168.77.10": ["lan", "192.168.77.2"],
            "10.88.0.10": ["vpn", "10.88.0.2"],
            "203.0.113.10": ["public", "198.51.100.2"],
        },
        "replies": ["syn-ack"],
        "neighbour": "resolved",
    }


def test_worlds_in_a_row_leave_nothing() -> None:
    """Twenty worlds, one after the other; nothing remains."""
    result = netns_tasks.run("in_a_row", "loopback-only", 20)
    assert result["after"] == result["before"]


@pytest.mark.wall_time
def test_worlds_are_quick() -> None:
    """Half of twenty worlds are up within 0.4 s and down within 0.1 s."""
    result = netns_tasks.run("in_a_row", "loopback-only", 20)
    assert sorted(result["up"])[10] < 0.4
    assert sorted(result["down"])[10] < 0.1


@pytest.mark.parametrize("case", BROKEN)
def test_a_world_that_cannot_be_has_its_reason_and_leaves_nothing(case: str) -> None:
    """A scenario that makes no sense is an error that names its cause; nothing remains."""
    given, message = BROKEN[case]
    result = netns_tasks.run("broken", given)
    assert result["outcome"].startswith(message)
    assert result["after"] == result["before"]


def test_a_host_that_dies_is_noticed() -> None:
    """A host that broke down is an error, not silence."""
    result = netns_tasks.run("host_dies", {"addresses": ["lan"], "target": SERVICE})
    assert result["outcome"] == "BackendError: the target host: ended early"
    assert result["after"] == result["before"]
