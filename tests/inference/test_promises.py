"""What the joint model promises, by sockets alone: textbook rows, company, order, and what accepts."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from score.families import FAMILIES, ZONES, draw
from score.hosts import ip_of, port_number, surveys_of
from score.made_up import Bound, MadeUpHost
from varied import replace

from probe.inference import infer
from probe.inference.columns import table_of
from probe.inference.host import infer_host
from probe.inference.identity import identify
from probe.inference.joint import weigh_jointly
from probe.inference.openings import Opening
from probe.inference.policy import learn
from probe.inference.posterior import posteriors
from probe.inference.priors import USUAL
from probe.inference.verdict import name_port
from probe.model.binding import Binding, Candidate, Owner
from probe.model.facts import LinkKind, Route, TunnelHealth
from probe.model.target import Port, Protocol
from probe.model.verdict import PortVerdict

ADDRESSES = ("lan", "vpn", "public")
ROWS = ("OOO", "RRR", "ORR", "ROR", "RRO", "OOR", "ORO", "ROO")
FIRM, FORGED = 0.9, 0.97  # a textbook row is named with so much, and with less than this where sockets decide


def host_of(rows: list[str], controls: str = "RRR") -> MadeUpHost:
    """A host whose ports answer like this, a letter an address."""
    zones = {"R": ZONES["open"], "S": ZONES["drop"]}
    answers = {address: tuple(row[place] for row in rows) for place, address in enumerate(ADDRESSES)}
    truth = tuple(Bound(Binding.UNDETERMINED) for _ in rows)
    of_address = {a: zones[letter] for a, letter in zip(ADDRESSES, controls, strict=True)}
    return MadeUpHost(FAMILIES["plain"], truth, answers, of_address)


def verdicts(host: MadeUpHost) -> list[PortVerdict]:
    """What is concluded of its ports, by sockets alone."""
    return list(infer(surveys_of(host, raw=False)).ports)


def textbook(row: str) -> tuple[Binding, set]:
    """What a textbook row is called."""
    if row == "OOO":
        return Binding.WILDCARD, set()
    if row == "RRR":
        return Binding.LOOPBACK_OR_NOT_LISTENING, set()
    return Binding.SPECIFIC, {ip_of(a) for a, letter in zip(ADDRESSES, row, strict=True) if letter == "O"}


rows_of = st.lists(st.sampled_from(ROWS), min_size=3, max_size=24)
OWNED = 0.96  # of an address: the target has it, for all that the whole scan shows


@settings(max_examples=25, deadline=None)
@given(rows=rows_of)
def test_textbook_rows_are_named_whatever_else_is_in_the_scan(rows):
    """Open on a set and refused elsewhere is that binding; open only where an address may be another's."""
    host = infer_host(surveys_of(host_of(rows), raw=False), USUAL)
    owned = all(model.owner(Owner.TARGET) >= OWNED for model in host.models)
    for row, found in zip(rows, verdicts(host_of(rows)), strict=True):
        named = found.binding, set(found.bound_to)
        assert named == textbook(row) or (not owned and found.binding is Binding.UNDETERMINED), (row, rows)
        assert found.confidence >= FIRM or not owned, (row, found.candidates[:3])
        assert row == "OOO" or found.confidence < FORGED


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(st.sampled_from(("OOO", "RRR", "ORR")), min_size=1, max_size=24))
def test_rows_that_any_owner_gives_are_always_named(rows):
    """Open everywhere, nowhere, or on the LAN alone: whoever has the VPN and the public address."""
    for row, found in zip(rows, verdicts(host_of(rows)), strict=True):
        assert (found.binding, set(found.bound_to)) == textbook(row), (row, rows)
        assert found.confidence >= FIRM, (row, found.candidates[:3])


@pytest.mark.parametrize(
    "rows",
    [
        ["OOO"] * 5 + ["ROR"] + ["RRR"] * 3,
        ["OOO"] * 3 + ["RRO"] * 3,
        ["OOO"] * 6 + ["ORO"] * 3 + ["RRR"] * 3,
        ["RRR"] * 5 + ["ROO"] * 3,
        ["ORR", "ROR", "OOR", "OOO", "RRR", "RRR"],
    ],
)
def test_textbook_rows_of_one_set_are_named(rows):
    """Several services on one set of addresses, beside others, are no sign of another owner."""
    for row, found in zip(rows, verdicts(host_of(rows)), strict=True):
        assert (found.binding, set(found.bound_to)) == textbook(row)
        assert found.confidence >= FIRM


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        (["OOO"] * 5 + ["ROR"] * 3, Binding.LOOPBACK),
        (["RRR"] * 5 + ["ROR"] * 3, Binding.LOOPBACK),
        (["OOR"] * 3 + ["OOO"] * 2, Binding.WILDCARD),
        (["OOR"] * 3 + ["RRO", "OOO"], Binding.WILDCARD),
    ],
)
def test_what_another_owner_would_give_too_is_not_sure(rows, kept):
    """A program that connects to 127.0.0.1, or a box in front, would give these rows: less than 0.9."""
    for row, found in zip(rows, verdicts(host_of(rows)), strict=True):
        if found.binding is Binding.SPECIFIC:
            assert found.confidence < FIRM, (row, found.candidates[:3])
        if row in {"ROR", "OOR"}:
            assert next(c.probability for c in found.candidates if c.binding is kept) > 0.05


@pytest.mark.parametrize("most", ROWS)
@pytest.mark.parametrize("odd", ROWS)
def test_one_odd_port_among_two_hundred_alike_is_named(most, odd):
    """However many ports are bound in one way, one that is bound otherwise is called what it is."""
    found = verdicts(host_of([most] * 199 + [odd]))
    for row, one in ((most, found[0]), (odd, found[-1])):
        assert (one.binding, set(one.bound_to)) == textbook(row)
        assert one.confidence >= FIRM, (row, one.candidates[:3])


rows_with_filters = st.lists(st.tuples(*[st.sampled_from("ORSI")] * 3).map("".join), min_size=2, max_size=10)


@settings(max_examples=25, deadline=None)
@given(rows=rows_with_filters, controls=st.tuples(*[st.sampled_from("RS")] * 3).map("".join), data=st.data())
def test_company_never_turns_one_clear_name_into_another(rows, controls, data):
    """A port more may make a name clear or unclear; it makes it no other, but for addresses of others."""
    fewer = data.draw(st.integers(1, len(rows) - 1))
    before = verdicts(host_of(rows[:fewer], controls))
    after = infer(surveys_of(host_of(rows, controls), raw=False))
    others = {a.address.ip for a in after.addresses if a.owner not in {Owner.TARGET, Owner.UNKNOWN}}
    for one, two in zip(before, after.ports, strict=False):
        if Binding.UNDETERMINED not in {one.binding, two.binding}:
            assert one.binding is two.binding
            assert set(one.bound_to) - others == set(two.bound_to) - others


@settings(max_examples=40, deadline=None)
@given(
    rows=rows_with_filters, controls=st.tuples(*[st.sampled_from("RS")] * 3).map("".join), seed=st.integers()
)
def test_the_order_of_addresses_and_answers_makes_no_difference(rows, controls, seed):
    """The same answers, given in another order, are judged alike."""
    surveys = surveys_of(host_of(rows, controls), raw=False)
    rng = Random(seed)  # noqa: S311 - an order must be repeatable
    mixed = [replace(s, observations=tuple(rng.sample(s.observations, len(s.observations)))) for s in surveys]
    rng.shuffle(mixed)
    for one, two in zip(infer(surveys).ports, infer(mixed).ports, strict=True):
        assert (one.port, one.binding, one.bound_to) == (two.port, two.binding, two.bound_to)
        assert {(c.binding, c.bound_to): pytest.approx(c.probability, abs=1e-4) for c in one.candidates} == {
            (c.binding, c.bound_to): c.probability for c in two.candidates
        }


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(st.tuples(*[st.sampled_from("OXRSI")] * 3).map("".join), min_size=1, max_size=8),
    controls=st.tuples(*[st.sampled_from("RS")] * 3).map("".join),
)
def test_what_accepts_is_bound(rows, controls):
    """A port that accepted, for however short a time, is never called loopback or not listening."""
    for row, found in zip(rows, verdicts(host_of(rows, controls)), strict=True):
        if {"O", "X"} & set(row):
            assert found.binding not in {
                Binding.LOOPBACK,
                Binding.NOT_LISTENING,
                Binding.LOOPBACK_OR_NOT_LISTENING,
            }


def test_what_a_filter_hides_may_be_bound_too():
    """Where the VPN's filter lets hardly anything pass, what is open on the LAN may be bound to both."""
    found = verdicts(host_of(["OSR"] * 4 + ["RSR"] * 4, controls="RSR"))[0]
    shares = {frozenset(one.bound_to): one.probability for one in found.candidates}
    assert shares[frozenset({ip_of("lan"), ip_of("vpn")})] > 0.2
    assert found.binding is Binding.UNDETERMINED


def test_one_list_of_ports_is_recognised():
    """A host that denies by default lets the same ports pass on all addresses, or others on each."""
    alike, each = ["OOO"] * 3 + ["SSS"] * 3, ["OSS", "SOS", "SSO", "OSS", "SOS"]

    def follows(rows: list[str]) -> float:
        host = host_of(rows, controls="SSS")
        models = infer_host(surveys_of(host, raw=False), USUAL).models
        return min(sum(w for k, w in one.known.items() if k.opening is Opening.LISTED) for one in models)

    assert follows(alike) > 0.8
    assert follows(each) < 0.2


@pytest.mark.parametrize("name", FAMILIES)
def test_few_combinations_are_as_good_as_all(name):
    """The likeliest combinations of keys give what all of them give, to two hundredths."""
    for number in range(3):
        host = draw(FAMILIES[name], Random(number), 6)  # noqa: S311 - hosts must be repeatable
        surveys = surveys_of(host, raw=number == 1)
        models = learn(surveys, identify(surveys))
        ports = sorted({port for one in surveys for port in one.tested()})
        few, every = (
            posteriors(weigh_jointly(table_of(ports, models, USUAL, {}), models, kept), models)
            for kept in (64, 10**6)
        )
        for port in ports:
            shares = {(c.binding, c.bound_to): c.probability for c in every[port].candidates}
            for one in few[port].candidates:
                assert one.probability == pytest.approx(shares[one.binding, one.bound_to], abs=2e-2)


def test_all_ports_of_a_host_are_a_handful_of_columns():
    """65,535 ports that answer in four ways are weighed four times."""
    rows = ["RRR"] * 200 + ["OOO", "ORR", "OOS"]
    surveys = surveys_of(host_of(rows), raw=False)
    models = learn(surveys, identify(surveys))
    ports = [port_number(index, "tcp") for index in range(len(rows))]
    table = table_of(ports, models, USUAL, {})
    assert [len(column.ports) for column in table.columns] == [200, 1, 1, 1]
    assert table.columns[0].counted < 60


@pytest.mark.parametrize(("opened", "named"), [("OOS", Binding.WILDCARD), ("SSS", Binding.UNDETERMINED)])
def test_silence_alone_takes_more_to_be_called_a_service(opened, named):
    """Where nothing accepted, 0.94 for all interfaces is not enough to name it."""
    host = infer_host(surveys_of(host_of([opened, "RRR"]), raw=False), USUAL)
    port, posterior = next(iter(host.ports.items()))
    silent = Candidate(binding=Binding.WILDCARD, probability=0.94)
    likely = replace(posterior, candidates=(silent, Candidate(binding=Binding.LOOPBACK, probability=0.06)))
    assert name_port(port, host.models, likely, None, USUAL.point)[0] is named


def test_a_binding_to_an_address_that_was_not_reached_stays_possible():
    """The tunnel is down, and the LAN refuses: the VPN address alone may be bound."""
    lan, vpn, _ = surveys_of(host_of(["RSR", "OSR"], "RSR"), raw=False)
    into = Route(vpn.address.ip, interface="wg0", kind=LinkKind.TUNNEL)
    down = replace(vpn, route=into, tunnel=TunnelHealth.NEVER, tunnel_name="wg0", hops=None)
    refused, accepted = infer([lan, down]).ports
    assert refused.binding is Binding.UNDETERMINED
    kept = {c.bound_to: c.probability for c in refused.candidates}
    assert kept[vpn.address.ip,] > 0.1
    assert accepted.binding in {Binding.WILDCARD, Binding.UNDETERMINED}


def test_many_addresses_are_weighed_in_no_time():
    """Eight addresses, half of them silent: a few combinations are carried, and the truth is named."""
    port = Port(Protocol.TCP, 8000)
    surveys = []
    for number in range(8):
        (one, _, _) = surveys_of(
            host_of(["OOO"] if number < 4 else ["SSS"], "RRR" if number < 4 else "SSS"), raw=False
        )
        address = replace(one.address, ip=one.address.ip + number, realm="lan" if number % 2 else "vpn")
        moved = tuple(
            replace(
                o,
                question=replace(o.question, address=address.ip),
                sender=None if o.sender is None else address.ip,
            )
            for o in one.observations
        )
        surveys.append(replace(one, address=address, observations=moved))
    host = infer_host(surveys, USUAL)
    assert host.ports[port].candidates[0].binding is Binding.WILDCARD


def test_what_the_host_forwards_meets_no_rule_of_its_input_chain():
    """Behind a default drop, a published port that is silent elsewhere is less likely on all than another."""
    every, published, other = verdicts(host_of(["BBB", "BSS", "OSS", "BBB", "BBB"], "SSS"))[:3]
    assert every.binding is Binding.WILDCARD
    on_all = [
        next(c.probability for c in one.candidates if c.binding is Binding.WILDCARD)
        for one in (published, other)
    ]
    assert on_all[0] < on_all[1] - 0.03


def test_containers_are_no_sign_of_a_box_in_front():
    """Among published ports, those that the host refuses itself are named as without them."""
    found = verdicts(host_of(["BBB", "BBB", "BBB", "BBB", "BRR", "ORR", "RRR", "OOO"]))
    assert {one.binding for one in found[:4]} == {Binding.WILDCARD}
    for one, row in zip(found[4:], ("ORR", "ORR", "RRR", "OOO"), strict=True):
        assert (one.binding, set(one.bound_to)) == textbook(row)
        assert one.confidence >= FIRM


@pytest.mark.parametrize(("share", "named"), [(0.85, Binding.UNDETERMINED), (0.92, Binding.SPECIFIC)])
def test_what_leaves_out_an_accepting_address_takes_more(share, named):
    """Where a gateway accepts on the public address, likely is not enough to name the rest."""
    plain = host_of(["OOO", "ORR"])
    host = infer_host(
        surveys_of(replace(plain, zones=plain.zones | {"public": ZONES["nat"]}), raw=False), USUAL
    )
    assert host.models[2].owner(Owner.GATEWAY) > FIRM
    port, posterior = next(iter(host.ports.items()))
    best = Candidate(binding=Binding.SPECIFIC, bound_to=(ip_of("lan"),), probability=share)
    two = replace(best, bound_to=(ip_of("lan"), ip_of("vpn")))
    doubted = replace(posterior, candidates=(two, Candidate(binding=Binding.WILDCARD, probability=1 - share)))
    assert name_port(port, host.models, doubted, None, USUAL.point)[0] is named


def test_what_leaves_out_an_accepting_address_of_the_target_is_not_named():
    """However likely a table of numbers may call it: an address of the target that accepts is bound."""
    host = infer_host(surveys_of(host_of(["OOR"] * 3), raw=False), USUAL)
    port, posterior = next(iter(host.ports.items()))
    best = Candidate(binding=Binding.SPECIFIC, bound_to=(ip_of("lan"),), probability=0.99)
    doubted = replace(posterior, candidates=(best, Candidate(binding=Binding.WILDCARD, probability=0.01)))
    assert name_port(port, host.models, posterior, None, USUAL.point)[0] is Binding.SPECIFIC
    assert name_port(port, host.models, doubted, None, USUAL.point)[0] is Binding.UNDETERMINED
