"""How a target publishes a container's ports: by rules alone, and as Docker does."""

from ipaddress import ip_address
from typing import Any

import pytest

from probe.errors import ScenarioError
from probe.lab.daemons import engine_sockets, guards, published_on
from probe.lab.scenario import parse_scenario
from probe.lab.scenario_hosts import Dnat, TargetHost

# Who forwards, the entry, and the sockets of the host beside it: bind, whether IPv6 alone, what is served.
SOCKETS: list[tuple[str, dict[str, Any], list[tuple[str, bool, str]]]] = [
    ("rules", {}, []),
    ("rules", {"address": "lan"}, []),
    ("docker", {}, [("0.0.0.0", False, "hold"), ("::", True, "hold")]),
    ("docker", {"address": "lan"}, [("192.168.77.10", False, "hold")]),
    ("docker", {"address": "127.0.0.1"}, [("127.0.0.1", False, "hold")]),
    ("docker", {"alive": False}, [("0.0.0.0", False, "close"), ("::", True, "close")]),
    ("docker-no-proxy", {}, [("0.0.0.0", False, "hold")]),
    ("docker-no-proxy", {"address": "lan"}, [("192.168.77.10", False, "hold")]),
]


def target(by: str, *entries: dict[str, Any], **more: object) -> TargetHost:
    """A host that publishes ports."""
    listed = [{"port": 80 + number, **entry} for number, entry in enumerate(entries)]
    whole = {"about": "a test", "addresses": ["lan"], "scan": {"ports": "80"}, "expect": {}}
    return parse_scenario("test", {**whole, "target": {"dnat_by": by, "dnat": listed, **more}}).target


@pytest.mark.parametrize(("by", "entry", "sockets"), SOCKETS)
def test_docker_listens_where_it_publishes(
    by: str, entry: dict[str, Any], sockets: list[tuple[str, bool, str]]
) -> None:
    """Rules need no socket; Docker has one where a port is published, and its proxy one for IPv6."""
    found = list(engine_sockets(target(by, entry)))
    assert [(one.bind, one.v6only, one.serves) for one in found] == sockets
    assert {one.port for one in found} <= {80}


@pytest.mark.parametrize(
    ("host", "guarded"),
    [
        (target("docker", {}), True),
        (target("docker-no-proxy", {"address": "lan"}), True),
        (target("rules", {}), False),
        (target("docker"), False),
        (target("docker", {}, forwards=True), False),
    ],
)
def test_docker_lets_nothing_else_be_forwarded(host: TargetHost, guarded: bool) -> None:  # noqa: FBT001 - a case
    """A host that became a router for Docker's sake forwards for its container alone."""
    assert guards(host) is guarded


def test_only_ipv4_is_forwarded() -> None:
    """A port is published on every address, or on an IPv4 address; anything else is an error by name."""
    assert published_on(Dnat(port=80)) is None
    assert published_on(Dnat(port=80, address="vpn")) == ip_address("10.88.0.10")
    with pytest.raises(ScenarioError, match="port 80 is published on fd77::10: only IPv4 is forwarded"):
        published_on(Dnat(port=80, address="lan6"))
