"""The prober's clients in memory: what they bring, and when."""

from ipaddress import ip_address
from typing import Any

import pytest

from probe.engine.backend import LOOKUP_S, Task
from probe.lab.scenario import TARGET_ADDRESSES, Scenario
from probe.lab.sim.world import open_sim
from probe.lab.world import World
from probe.model.exam import Echo, MtuTrial, Transfer
from probe.model.greeting import Approach, Call
from probe.model.probing import Reason
from probe.model.target import Port, Protocol
from probe.model.unread import NameFailureRule

LAN, VPN, PUBLIC = (ip_address(TARGET_ADDRESSES[symbol]) for symbol in ("lan", "vpn", "public"))
NOWHERE = ip_address("192.0.2.1")
WEB, SSH = Port(Protocol.TCP, 80), Port(Protocol.TCP, 22)
LISTENS = {"listen": [{"port": 80, "bind": "::"}, {"port": 22, "bind": "::", "serves": "greet"}]}


def brought(world: World, task: Task[Any]) -> Any:
    """What a task brings once it has ended; it has nothing before."""
    assert task.result() is None
    world.clients.wait([task])
    return task.result()


# --- ping ---


def ping(given: Scenario, *addresses) -> tuple[dict, float]:
    with open_sim(given) as world:
        began = world.backend.now()
        found = brought(world, world.clients.ping(addresses))
        return dict(found), world.backend.now() - began


def test_who_answers_ping(scenario_of) -> None:
    """A host with its round trip, nobody by silence, and what has no route at once."""
    given = scenario_of(links={"lan": {"delay_ms": 20}}, dead=["vpn"])
    found, took = ping(given, LAN, VPN, NOWHERE)
    assert found[LAN].reason is Reason.ECHO_REPLY
    assert found[LAN].rtt == pytest.approx(0.04, abs=0.001)
    assert (found[LAN].sent, found[LAN].sender) == (1, LAN)
    assert found[VPN] == Echo(Reason.NO_RESPONSE, 3)
    assert found[NOWHERE] == Echo(Reason.NO_ROUTE, 1)
    assert took == pytest.approx(1.0)


def test_a_lost_request_is_sent_again(scenario_of) -> None:
    """Where half of all packets are lost, most addresses answer one of three requests."""
    given = scenario_of(links={"lan": {"loss": 0.5}})
    found = []
    for seed in range(20):
        with open_sim(given, seed) as world:
            found.append(brought(world, world.clients.ping([LAN]))[LAN])
    answered = [one for one in found if one.reason is Reason.ECHO_REPLY]
    assert 5 < len(answered) < 20
    assert {one.sent for one in answered} == {1, 2, 3}


def test_a_router_that_has_no_way(scenario_of) -> None:
    """An error of a box on the way is the answer, with its sender."""
    given = scenario_of(prober={"routes": {"vpn": "public"}})
    found, _ = ping(given, VPN)
    assert found[VPN].reason is Reason.NET_UNREACH
    assert str(found[VPN].sender) == "198.51.100.1"


# --- data ---


def trial(given: Scenario, address=LAN, port=WEB) -> MtuTrial | None:
    with open_sim(given) as world:
        return brought(world, world.clients.try_mtu({address: port})).get(address)


@pytest.mark.parametrize(("symbol", "segment"), [("lan", 1448), ("lan6", 1428)])
def test_full_segments_arrive(symbol, segment, scenario_of) -> None:
    """On a plain link, in segments of its MTU without the headers and the timestamps."""
    found = trial(scenario_of(target=LISTENS), ip_address(TARGET_ADDRESSES[symbol]))
    assert found == MtuTrial(WEB, Transfer.ARRIVED, Transfer.ARRIVED, segment, 1500)


def test_a_black_hole(scenario_of) -> None:
    """Full segments vanish, the largest smaller ones that pass are found."""
    found = trial(scenario_of(target={**LISTENS, "swallows_above": {"lan": 1290}}))
    assert found is not None
    assert (found.small, found.big, found.working_mtu) == (Transfer.ARRIVED, Transfer.STALLED, 1280)


def test_a_router_that_reports(scenario_of) -> None:
    """Its error makes the segments smaller, and all arrives; who reported it is known."""
    found = trial(scenario_of(target=LISTENS, router={"narrow": 1300}), PUBLIC)
    assert found is not None
    assert (found.big, found.route_mtu, found.learnt_mtu) == (Transfer.ARRIVED, 1500, 1300)
    assert str(found.reporter) == "198.51.100.1"


def test_loss_is_no_black_hole(scenario_of) -> None:
    """Where one packet in ten is lost, what is sent again arrives; nothing is called too large."""
    given = scenario_of(target=LISTENS, links={"lan": {"loss": 0.1}})
    found = []
    for seed in range(20):
        with open_sim(given, seed) as world:
            found.append(brought(world, world.clients.try_mtu({LAN: WEB})).get(LAN))
    assert [one for one in found if one is not None and one.big is Transfer.STALLED] == []
    assert sum(one is not None and one.big is Transfer.ARRIVED for one in found) > 12


@pytest.mark.parametrize("serves", ["close", "reset"])
def test_a_service_that_hangs_up(serves, scenario_of) -> None:
    """What it ends shows nothing of sizes."""
    found = trial(scenario_of(target={"listen": [{"port": 80, "bind": "::", "serves": serves}]}))
    assert found is None or found.big in {Transfer.ENDED, Transfer.ARRIVED}


def test_no_connection_no_trial(scenario_of) -> None:
    """Refused, silent, rejected on the way out, or without a route: nothing was measured."""
    refused = scenario_of()
    silent = scenario_of(dead=["lan"])
    rejected = scenario_of(target=LISTENS, prober={"outgoing": [{"action": "admin-prohibited"}]})
    assert [trial(given) for given in (refused, silent, rejected)] == [None] * 3
    assert trial(refused, NOWHERE) is None


# --- names and services ---


def test_name_servers(scenario_of) -> None:
    """Each answers what it knows; where nothing is to be asked, nothing is brought."""
    servers = [{"a.test": "lan"}, {"a.test": "vpn", "b.test": "public"}]
    given = scenario_of(prober={"names": servers})
    with open_sim(given) as world:
        resolvers = world.reader.machine().resolvers
        found = brought(world, world.clients.ask_name_servers(["a.test", "b.test"], resolvers))
        assert brought(world, world.clients.ask_name_servers([], resolvers)) == {}
    assert [one.addresses for one in found["a.test"]] == [(LAN,), (VPN,)]
    assert [one.addresses for one in found["b.test"]] == [(), (PUBLIC,)]
    assert [str(one.failure.rule) for one in found["b.test"] if one.failure] == ["no-such-name"]
    assert [str(one.server) for one in found["a.test"]] == ["198.18.53.10", "198.18.53.11"]


@pytest.mark.parametrize(
    ("names", "families", "found"),
    [
        (["a.test"], (4, 6), {"a.test": ["192.168.77.10"]}),
        (["A.Test.", "b.test"], (4, 6), {"A.Test.": ["192.168.77.10"], "b.test": []}),
        (["a.test"], (6,), {"a.test": []}),
        (["six.test"], (4, 6), {"six.test": ["fd77::10"]}),
    ],
)
def test_the_resolver_asks_the_first_server(names, families, found, scenario_of) -> None:
    """What it knows of a name counts, in the families that are wanted; the second server is not asked."""
    servers = [{"a.test": "lan", "six.test": "lan6"}, {"a.test": "vpn", "b.test": "vpn"}]
    with open_sim(scenario_of(prober={"names": servers})) as world:
        answers = brought(world, world.clients.look_up(names, families))
    assert {name: list(map(str, one.addresses)) for name, one in answers.items()} == found
    for one in answers.values():
        assert one.server is None
        assert (one.failure is None) == bool(one.addresses)
        assert one.failure is None or one.failure.rule is NameFailureRule.NO_SUCH_NAME


def test_a_resolver_without_a_server(scenario_of) -> None:
    """Without any there is no answer, at once."""
    with open_sim(scenario_of()) as world:
        answer = world.clients.look_up(["a.test"], (4, 6)).result()["a.test"]
    assert answer.failure.rule is NameFailureRule.NO_ANSWER


@pytest.mark.parametrize(
    ("prober", "took"),
    [
        ({"incoming": [{"action": "drop", "ports": "U:53"}]}, LOOKUP_S),
        ({"outgoing": [{"action": "port-unreach", "ports": "U:53"}]}, 0.0),
    ],
)
def test_name_servers_that_cannot_be_asked(prober, took, scenario_of) -> None:
    """A silent one has all the time that there is; where all of them refuse, there is nothing to wait for."""
    servers = [{"a.test": "lan"}, {"a.test": "vpn"}]
    with open_sim(scenario_of(prober={"names": servers, **prober})) as world:
        began = world.backend.now()
        task = world.clients.look_up(["a.test"], (4, 6))
        world.clients.wait([task])
        assert world.backend.now() - began == pytest.approx(took, abs=0.01)
        assert task.result()["a.test"].failure.rule is NameFailureRule.NO_ANSWER


def test_who_speaks_first(scenario_of) -> None:
    """A service that greets is read; one that does not, one that is refused and one that is asked are not."""
    asked = [(LAN, SSH), (LAN, WEB), (LAN, Port(Protocol.TCP, 81)), (VPN, SSH), (NOWHERE, SSH)]
    calls = [Call(ip, port, Approach.LISTEN) for ip, port in asked]
    given = scenario_of(target={**LISTENS, "filter": [{"action": "admin-prohibited", "on": ["vpn"]}]})
    with open_sim(given) as world:
        found = brought(world, world.clients.greetings(calls))
        assert {place: one.text for place, one in found.items()} == {(LAN, SSH): "220 ready"}
        assert brought(world, world.clients.greetings([Call(LAN, SSH, Approach.WEB)])) == {}
        assert world.clients.keys([(LAN, SSH)]).result() == {}


def test_waiting_for_nothing(scenario_of) -> None:
    """No task, no time."""
    with open_sim(scenario_of()) as world:
        world.clients.wait([])
        assert world.backend.now() == 0.0
