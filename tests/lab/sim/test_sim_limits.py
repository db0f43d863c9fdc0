"""Rate limits, delay, loss and resending: what time and chance do to answers."""

import pytest

from probe.lab.scenario import address_of
from probe.lab.sim.node import Buckets
from probe.lab.sim.world import open_sim
from probe.model.probing import Probe, Question, Reason
from probe.model.target import Port, Protocol

TCP, UDP = Protocol.TCP, Protocol.UDP
LAN, LAN6, VPN = address_of("lan"), address_of("lan6"), address_of("vpn")


def answered(replies) -> int:
    """How many questions were answered."""
    return sum(bool(r) for r in replies)


# probes, seconds apart, answers expected (measured: bursts of 1, 5, 6, 7, 10, 40 gave 1, 5, 6, 6, 6, 6)
ICMP4 = [(1, 0, 1), (5, 0, 5), (6, 0, 6), (7, 0, 6), (10, 0, 6), (40, 0, 6), (40, 0.06, 8), (10, 1.1, 10)]
ICMP6 = [(6, 0, 6), (100, 0, 6), (40, 0.06, 29), (100, 0.05, 55), (10, 0.11, 10)]


@pytest.mark.parametrize(("count", "apart", "expected"), ICMP4)
def test_limit_on_icmp(count, apart, expected, scenario_of, ask) -> None:
    """Six errors to one prober, then one a second."""
    questions = [Question(LAN, Port(UDP, 1000 + n)) for n in range(count)]
    assert answered(ask(scenario_of(), questions, apart=apart)) == expected


@pytest.mark.parametrize(("count", "apart", "expected"), ICMP6)
def test_limit_on_icmpv6(count, apart, expected, scenario_of, ask) -> None:
    """Six errors to one prober, then ten a second, as measured on Linux 6.18."""
    questions = [Question(LAN6, Port(UDP, 1000 + n)) for n in range(count)]
    assert answered(ask(scenario_of(), questions, apart=apart)) == pytest.approx(expected, abs=1)


def test_the_limit_is_per_prober_address(scenario_of, ask) -> None:
    """Another address of the prober has a bucket of its own; a filter's errors share that of closed ports."""
    world = scenario_of(target={"filter": [{"action": "admin-prohibited", "ports": "80"}]})
    lan = [Question(LAN, Port(UDP, 1000 + n)) for n in range(5)] + [Question(LAN, Port(TCP, 80))] * 2
    vpn = [Question(VPN, Port(UDP, 1000 + n)) for n in range(6)]
    replies = ask(world, [*lan, *vpn], wait=0.5)
    assert [bool(r) for r in replies] == [True] * 6 + [False] + [True] * 6


def test_time_exceeded_shares_the_limit(scenario_of, ask) -> None:
    """A router's time-exceeded and its unreachables come out of one bucket."""
    world = scenario_of(router={"filter": [{"action": "port-unreach", "ports": "80"}]})
    public = address_of("public")
    questions = [Question(public, Port(TCP, 81), ttl=1)] * 5 + [Question(public, Port(TCP, 80))] * 3
    assert answered(ask(world, questions, wait=0.5)) == 6


@pytest.mark.parametrize("target", [{}, {"filter": [{"action": "reset"}]}], ids=["kernel", "filter"])
def test_resets_are_unlimited(target, scenario_of, ask) -> None:
    """Linux limits neither its own resets nor those of its packet filter."""
    questions = [Question(LAN, Port(TCP, 1000 + n)) for n in range(400)]
    assert answered(ask(scenario_of(target=target), questions)) == 400


@pytest.mark.parametrize("target", [{}, {"filter": [{"action": "reset"}]}], ids=["kernel", "filter"])
def test_limited_resets(target, scenario_of, ask) -> None:
    """A second's worth of resets passes at once, then the rate."""
    questions = [Question(LAN, Port(TCP, 1000 + n)) for n in range(100)]
    world = scenario_of(target={"resets_per_s": 10, **target})
    assert answered(ask(world, questions, wait=0.5)) == 10
    assert answered(ask(world, questions, apart=0.1, wait=0.5)) == 100


def test_a_bucket_fills_up_to_its_size() -> None:
    """However long it rests, a bucket holds no more than its burst."""
    buckets = Buckets()
    assert [buckets.take("a", 2, 1.0, at) for at in (0, 0, 0, 1, 1, 100, 100, 100)] == [
        *(True, True, False),
        *(True, False),
        *(True, True, False),
    ]


@pytest.mark.parametrize(("symbol", "hops"), [("lan", 1), ("public", 2)])
def test_delay(symbol, hops, scenario_of, ask) -> None:
    """An answer takes the link's delay twice, and a little for every hop."""
    world = scenario_of(links={symbol: {"delay_ms": 20}})
    (replies,) = ask(world, [Question(address_of(symbol), Port(TCP, 80))])
    assert replies[0].at == pytest.approx(0.04 + hops * 2 * 20e-6)


@pytest.mark.parametrize("loss", [0.05, 0.2, 0.5])
def test_loss(loss, scenario_of, ask) -> None:
    """Each direction loses its share; what comes back does not depend on the port."""
    world = scenario_of(links={"lan": {"loss": loss}})
    questions = [Question(LAN, Port(TCP, 1000 + n)) for n in range(2000)]
    replies = ask(world, questions, wait=0.5)
    assert answered(replies) / 2000 == pytest.approx((1 - loss) ** 2, abs=0.05)


def test_a_lost_syn_is_resent_by_the_kernel(scenario_of, ask) -> None:
    """While nobody forgets the probe, its SYN leaves again after 1, 2, 3, 4, 5 and 7 seconds."""
    world = scenario_of(links={"lan": {"loss": 0.5}})
    questions = [Question(LAN, Port(TCP, 1000 + n)) for n in range(300)]
    replies = ask(world, questions, wait=7.5)
    times = {round(r[0].at, 3) for r in replies if r}
    assert times == {0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 7.0}
    assert answered(replies) / 300 == pytest.approx(1 - 0.75**7, abs=0.05)


def test_a_datagram_is_sent_once(scenario_of, ask) -> None:
    """UDP has no resending: what is lost stays lost."""
    world = scenario_of(links={"lan": {"loss": 1.0}})
    assert ask(world, [Question(LAN, Port(UDP, 53))], wait=20.0) == [[]]


def test_seeds(scenario_of, ask) -> None:
    """The same seed loses the same packets, another one loses others."""
    world = scenario_of(links={"lan": {"loss": 0.3, "delay_ms": 3}})
    questions = [Question(LAN, Port(TCP, 1000 + n)) for n in range(200)]
    first, again, other = (ask(world, questions, wait=0.9, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_looking_takes_time(scenario_of) -> None:
    """Looking for replies whose time is past moves the clock on, a little and never back."""
    with open_sim(scenario_of()) as world:
        backend, times = world.backend, []
        for until in (1.0, 1.0, 0.5, 1.0):
            assert backend.receive(until) == ()
            times.append(backend.now())
    assert times[0] == 1.0
    assert times == sorted(set(times))
    assert times[-1] < 1.001


def test_a_forgotten_probe_stays_silent(scenario_of) -> None:
    """After `forget` no reply comes, neither a first one nor an aftermath; unknown ids are ignored."""
    world = scenario_of(target={"listen": [{"port": 80, "bind": "lan"}]}, links={"lan": {"delay_ms": 10}})
    with open_sim(world) as opened:
        backend = opened.backend
        for number, port in enumerate((80, 80, 81)):
            backend.send(Probe(number, Question(LAN, Port(TCP, port))))
        backend.forget([0, 99])
        first = backend.receive(5.0)
        backend.forget([1, 2])
        assert [(r.probe_id, r.reason) for r in first] == [(1, Reason.SYN_ACK)]
        assert backend.receive(5.0) == ()
        assert backend.now() == 5.0
        assert backend.capacity > 100
