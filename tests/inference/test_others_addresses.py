"""What others have in front of their addresses is no evidence of the host's own filter, nor its bindings."""

import math

import pytest
from score.families import FAMILIES, ZONES
from score.hosts import ip_of, surveys_of
from score.made_up import Bound, MadeUpHost

from probe.inference import infer
from probe.inference.bindings import hypotheses
from probe.inference.host import infer_host
from probe.inference.joint import _prior
from probe.inference.openings import Opening
from probe.inference.policy import PolicyKey
from probe.inference.priors import ONE_POLICY, STRICT, USUAL
from probe.inference.tables import Policy
from probe.model.binding import Binding, Owner

PLACES = ("lan", "vpn", "public")


def host_of(rows: list[str], public: str = "nat", *, alike: bool = True) -> MadeUpHost:
    """A host without a filter; its public address is what the zone describes."""
    answers = {address: tuple(row[place] for row in rows) for place, address in enumerate(PLACES)}
    zones = {"lan": ZONES["open"], "vpn": ZONES["open"], "public": ZONES[public]}
    truth = (Bound(Binding.UNDETERMINED),) * len(rows)
    return MadeUpHost(FAMILIES["fronts"], truth, answers, zones, alike={"public": alike})


def shares(host: MadeUpHost, index: int = 0) -> dict:
    """The candidates of one port, by binding and addresses."""
    found = infer(surveys_of(host, raw=False)).ports[index]
    return {(c.binding, frozenset(c.bound_to)): c.probability for c in found.candidates}


def test_a_box_in_front_forwards_what_is_served_where_it_leads():
    """Beside ports that it forwards, one that it does not is less surely on all interfaces."""
    forwards = shares(host_of(["OOR", "OOB", "OOB", "RRR"]))
    both = Binding.SPECIFIC, frozenset({ip_of("lan"), ip_of("vpn")})
    assert forwards[both] > 0.1


def test_a_box_in_front_may_forward_to_another_host():
    """A port that it forwards, and the host refuses, is not surely bound to the public address."""
    found = shares(host_of(["OOB", "OOB", "RRB", "RRB", "RRR"]), 2)
    nothing = found[Binding.LOOPBACK, frozenset()] + found[Binding.NOT_LISTENING, frozenset()]
    assert nothing > 0.2
    assert found[Binding.SPECIFIC, frozenset({ip_of("public")})] < 0.8


def test_one_policy_holds_for_the_host_s_own_addresses():
    """Whoever has the public address, the LAN and the VPN share a policy as likely as without it."""
    models = infer_host(surveys_of(host_of(["OOR"] * 3), raw=False), USUAL).models
    own = PolicyKey(Owner.TARGET, Policy.ACCEPTS, opening=Opening.ALL)
    other = PolicyKey(Owner.GATEWAY, Policy.FRONT_REFUSES)

    def beside(*keys: PolicyKey) -> float:
        return _prior(keys, models) - sum(m.weights[k] for m, k in zip(models, keys, strict=False))

    assert beside(own, own, other) == pytest.approx(
        _prior((own, own), models[:2]) - sum(m.weights[own] for m in models[:2])
    )
    assert beside(own, own, other) > 0
    selective = own._replace(opening=Opening.SELECTIVE)
    assert beside(own, selective, other) == pytest.approx(math.log(1 - ONE_POLICY))


def test_a_set_with_the_public_address_is_less_usual():
    """Who binds to chosen addresses keeps out others, mostly those of the internet; not with --strict."""
    addresses = [one.address for one in surveys_of(host_of(["OOO"]), raw=False)]
    for standard, less in ((USUAL, 0.6), (STRICT, 1.0)):
        found = hypotheses(addresses, standard.styles[0][1], seen_open=frozenset())
        weights: dict = {}
        for one in found:
            if one.binding is Binding.SPECIFIC and len(one.covers) == 1:
                weights[one.covers] = weights.get(one.covers, 0.0) + one.weight
        lan, public = (weights[frozenset({ip_of(name)})] for name in ("lan", "public"))
        assert public / lan == pytest.approx(less)


@pytest.mark.parametrize(
    ("rows", "public", "alike", "named"),
    [
        (["RRO"] * 10 + ["RRR"] * 7, "cdn", True, {Binding.SPECIFIC, Binding.UNDETERMINED}),
        (["OOR"] * 6 + ["OOO"] * 4 + ["RRO"] * 3, "cdn", True, {Binding.SPECIFIC, Binding.UNDETERMINED}),
        (["OOR"] * 6 + ["OOO"] * 4 + ["RRO"] * 3, "cdn", False, {Binding.WILDCARD}),
        (["OOR"] * 6 + ["OOO"] * 4 + ["RRO"] * 3, "vip", True, {Binding.WILDCARD}),
    ],
)
def test_an_answer_is_set_aside_by_a_sign_alone(rows, public, alike, named):
    """Which ports are open names no other owner's reading; another stack, or the first hop, does."""
    found = infer(surveys_of(host_of(rows, public, alike=alike), raw=False)).ports[0]
    assert found.binding in named, found.candidates[:3]


def test_a_program_s_reading_takes_a_sign_too():
    """Six ports that the VPN alone has are rather on loopback behind a program, and are not called so."""
    host = host_of(["OOO"] * 16 + ["ROR"] * 6, "open")
    found = infer(surveys_of(host, raw=False))
    assert found.ports[-1].candidates[0].binding is Binding.LOOPBACK
    assert found.ports[-1].binding is Binding.UNDETERMINED
