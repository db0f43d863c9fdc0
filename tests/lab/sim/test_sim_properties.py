"""What holds in every world: packets die out, time goes forward, one first reply a probe, twice the same."""

from ipaddress import ip_address

from hypothesis import given, settings
from hypothesis import strategies as st

from probe.lab.scenario import PROBER_ADDRESSES, TARGET_ADDRESSES, Scenario, address_of, parse_scenario
from probe.lab.scenario_hosts import Action, Serves
from probe.lab.sim.clock import Clock
from probe.lab.sim.world import open_sim
from probe.model.probing import NextHop, Probe, Question, Reason, Reply, Shape
from probe.model.target import Port, Protocol

ANY = "0.0.0.0"
PORTS = (22, 80)
SYMBOLS = tuple(symbol for symbol in TARGET_ADDRESSES if symbol != "inside")

binds = st.sampled_from([ANY, "::", "lan", "vpn6", "127.0.0.1", "::1"])
SOME_REALM = st.sampled_from(["lan", "vpn", "public"])
realms = st.lists(st.sampled_from(["lan", "vpn", "public"]), max_size=2, unique=True)
rules = st.lists(
    st.fixed_dictionaries(
        {"action": st.sampled_from(list(map(str, Action))), "on": realms},
        optional={
            "ports": st.sampled_from(["22", "U:80", "T:80", "T:22,U:22"]),
            "segment": st.sampled_from(["syn", "syn-ack"]),
        },
    ),
    max_size=3,
)
listeners = st.lists(
    st.fixed_dictionaries(
        {
            "port": st.sampled_from(PORTS),
            "bind": binds,
            "protocol": st.sampled_from(["tcp", "udp"]),
            "serves": st.sampled_from(list(map(str, Serves))),
            "v6only": st.booleans(),
        },
        optional={"device": st.sampled_from(["lan", "vpn", "public"])},
    ),
    max_size=3,
)
targets = st.fixed_dictionaries(
    {"listen": listeners, "filter": rules},
    optional={
        "dnat": st.just([{"port": 80}, {"port": 22, "address": "lan", "alive": False}]),
        "resets_per_s": st.integers(1, 5),
        "never_resets": st.booleans(),
        "ttl": st.integers(1, 255),
        "route_localnet": st.booleans(),
        "replies_by": st.dictionaries(SOME_REALM, SOME_REALM, max_size=2),
    },
)
routers = st.fixed_dictionaries(
    {"filter": rules, "nat": st.booleans()},
    optional={
        "forward": st.just([22]),
        "answers_all": st.booleans(),
        "syn_proxy": st.sampled_from(["22", "22,80"]),
    },
)
probers = st.fixed_dictionaries(
    {"outgoing": rules, "incoming": rules, "strict_reverse_path": st.booleans()},
)
links = st.dictionaries(
    SOME_REALM,
    st.fixed_dictionaries(
        {"delay_ms": st.floats(0, 200), "loss": st.floats(0, 1), "bleaches": st.booleans()}
    ),
)
dead = st.lists(st.sampled_from(["public", "public6"]), max_size=1)
ASKED = [*map(address_of, SYMBOLS), ip_address("127.0.0.1"), ip_address("172.31.0.2")]
hops = st.builds(
    NextHop,
    st.sampled_from(["lan", "vpn", "public"]),
    st.sampled_from([ip_address(address) for address in PROBER_ADDRESSES.values()]),
    st.integers(1, 10).map("02:00:00:00:00:{:02x}".format),
)
raw_questions = st.builds(
    Question,
    st.sampled_from(ASKED),
    st.builds(Port, st.sampled_from(Protocol), st.sampled_from(PORTS)),
    ttl=st.none() | st.integers(1, 255),
    min_ttl=st.none() | st.integers(1, 255),
    shape=st.sampled_from(Shape),
    hop=st.none() | hops,
)
questions = st.builds(
    Question,
    st.sampled_from(SYMBOLS).map(address_of),
    st.builds(Port, st.sampled_from(Protocol), st.sampled_from(PORTS)),
    ttl=st.none() | st.integers(1, 255),
    min_ttl=st.none() | st.integers(1, 255),
)
steps = st.lists(st.tuples(questions, st.floats(0, 2), st.booleans()), min_size=1, max_size=12)
raw_steps = st.lists(st.tuples(raw_questions, st.floats(0, 2), st.booleans()), min_size=1, max_size=12)


@st.composite
def worlds(draw: st.DrawFn) -> Scenario:
    """Any scenario at all, sensible or not."""
    parts = {
        "prober": draw(probers),
        "target": draw(targets),
        "router": draw(routers),
        "links": draw(links),
        "dead": draw(dead),
    }
    whole = {"about": "any", "addresses": list(SYMBOLS), "scan": {"ports": "22"}, "expect": {}, **parts}
    return parse_scenario("any", whole)


def run(scenario: Scenario, script: list[tuple[Question, float, bool]], *, raw: bool = False) -> list[Reply]:
    """Carry a script out: ask, wait, forget; then wait until nothing can come any more."""
    received: list[Reply] = []
    with open_sim(scenario, seed=1) as world:
        backend, before = world.raw if raw else world.backend, 0.0
        assert backend is not None
        for number, (question, pause, forget) in enumerate(script):
            backend.send(Probe(number, question))
            replies = backend.receive(backend.now() + pause)
            assert all(before <= reply.at <= backend.now() for reply in replies)
            assert before <= backend.now()
            received, before = [*received, *replies], backend.now()
            if forget:
                backend.forget([number])
        while replies := backend.receive(1e6):  # ends only if no packet is on its way for ever
            received += replies
    return received


@settings(max_examples=150, deadline=None)
@given(worlds(), steps)
def test_whatever_the_world(scenario: Scenario, script: list[tuple[Question, float, bool]]) -> None:
    """Replies come in order of time, at most one first reply and one aftermath a probe, and all ends."""
    received = run(scenario, script)
    assert [reply.at for reply in received] == sorted(reply.at for reply in received)
    first = [reply.probe_id for reply in received if reply.aftermath is None]
    later = [reply.probe_id for reply in received if reply.aftermath is not None]
    assert len(set(first)) == len(first)
    assert len(set(later)) == len(later)
    assert set(later) <= set(first)
    assert all(reply.sender is not None for reply in received if reply.icmp is not None)
    assert received == run(scenario, script)


@settings(max_examples=150, deadline=None)
@given(worlds(), raw_steps)
def test_whatever_the_raw_packet(scenario: Scenario, script: list[tuple[Question, float, bool]]) -> None:
    """Every question brings at most one reply, what came from the network shows its headers, and all ends."""
    received = run(scenario, script, raw=True)
    assert [reply.at for reply in received] == sorted(reply.at for reply in received)
    assert len({reply.probe_id for reply in received}) == len(received)
    unsent = {Reason.NO_ROUTE, Reason.NOT_SENT}
    refused = {reply for reply in received if reply.header is None}
    assert all(r.reason in unsent or r.reason is Reason.ADMIN_PROHIBITED for r in refused)
    assert all(reply.sender is not None for reply in received if reply.reason not in unsent)
    assert received == run(scenario, script, raw=True)


@given(st.lists(st.tuples(st.floats(-1, 5), st.floats(0, 6))))
def test_the_clock(script: list[tuple[float, float]]) -> None:
    """Events happen in order, none is early, and time never runs backwards."""
    clock = Clock()
    happened: list[tuple[float, float]] = []
    for delay, until in script:
        due = clock.now + max(delay, 0.0)
        clock.after(delay, lambda due=due: happened.append((due, clock.now)))
        before = clock.now
        while clock.step(until):
            assert clock.now >= before
            before = clock.now
        clock.advance(until)
        assert clock.now >= before
    assert all(due == now for due, now in happened)
    assert happened == sorted(happened)


def test_equal_times_keep_their_order() -> None:
    """Of events due at once the first entered happens first."""
    clock = Clock()
    happened: list[str] = []
    for name in "abc":
        clock.after(1.0, lambda name=name: happened.append(name))
    while clock.step(1.0):
        pass
    assert happened == ["a", "b", "c"]
    assert not clock.step(9.0)
