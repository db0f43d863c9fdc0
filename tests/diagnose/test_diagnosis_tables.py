"""The tables of the diagnosis: complete, consistent, and covered by cases."""

from functools import cache
from ipaddress import ip_address
from itertools import chain
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from told_exams import PORT, told_case
from varied import replace

from probe.diagnose import diagnose
from probe.diagnose.commands import route_by, set_mtu, switch_on
from probe.diagnose.fixes import fixes
from probe.diagnose.reading import findings
from probe.diagnose.scene import Scene
from probe.diagnose.signs import QUESTIONS, Finding, Sign
from probe.diagnose.table import PRIOR, ROWS, USUAL, likelihood
from probe.diagnose.trouble import Trouble, add_up, weigh
from probe.diagnose.wording import lasting
from probe.model.diagnosis import Cause
from probe.model.exam import NameAnswer
from probe.model.facts import AddressSurvey
from probe.model.machine import TunnelKind
from probe.model.verdict import Verdict

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "causes.yaml").read_text(encoding="utf-8"))
OF_PORTS_AND_SIZES = {Cause.NOT_FORWARDED, Cause.NOT_BOUND, Cause.MTU_BLACK_HOLE}
SILENT = CASES["the tunnel never shook hands"]


def scene_of(case: dict, index: int = -1) -> Scene:
    """One address of a case, by default the last."""
    exams, machine, verdict = told_case(case)
    exam = exams[index]
    return Scene(exam, [other for other in exams if other is not exam], machine, verdict)


@cache
def signs_seen() -> set[Sign]:
    """Every sign of every address of every case."""
    return {
        one.sign
        for case in CASES.values()
        for index in range(len(case["addresses"]))
        for one in findings(scene_of(case, index))
    }


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_is_first_in_a_case(cause: Cause) -> None:
    """No cause is there for show."""
    assert cause in set(chain.from_iterable(case["first"].values() for case in CASES.values()))


@pytest.mark.parametrize("sign", Sign)
def test_every_sign_is_seen_in_a_case(sign: Sign) -> None:
    """No sign is there for show."""
    assert sign in signs_seen()


def test_every_sign_answers_one_question() -> None:
    """The questions part the signs."""
    assert sorted(chain.from_iterable(QUESTIONS)) == sorted(Sign)


@pytest.mark.parametrize("cause", ROWS)
def test_rows_leave_nothing_negative(cause: Cause) -> None:
    """The shares of a question are at most 1, in the row of every cause and as usual."""
    for question in QUESTIONS:
        named = [ROWS[cause][sign] for sign in question if sign in ROWS[cause]]
        assert sum(named) <= 1 + 1e-9, question
        if len(question) > 1:
            told = sum(likelihood(sign, cause) for sign in question - {Sign.PORTS_SILENT})
            assert told == pytest.approx(1, abs=0.03), (cause, question)
        usual = [USUAL[sign] for sign in question if sign in USUAL]
        assert not usual or len(question) == 1 or sum(usual) == pytest.approx(1), question


def test_priors_are_those_of_every_cause_of_an_address() -> None:
    """Ports and sizes have subjects of their own."""
    assert sum(PRIOR.values()) == pytest.approx(1, abs=0.15)
    assert set(PRIOR) == set(ROWS) == set(Cause) - OF_PORTS_AND_SIZES


@given(st.sets(st.sampled_from(sorted(Sign))))
def test_shares_sum_to_one_whatever_is_seen(signs: set[Sign]) -> None:
    """Also where two signs of one question, which cannot be, are seen at once."""
    trouble = weigh([Finding(sign, sign) for sign in signs])
    assert sum(trouble.shares.values()) == pytest.approx(1)


def test_nothing_measured_blames_nobody_strongly() -> None:
    """Without a finding the causes are as probable as before."""
    assert weigh([]).shares[Cause.NONE] == pytest.approx(PRIOR[Cause.NONE] / sum(PRIOR.values()))


def test_two_troubles_share_the_blame() -> None:
    """Both causes are listed, each with the evidence of its own subject."""
    one = Trouble({Cause.NOT_BOUND: 1.0}, {Cause.NOT_BOUND: ("refused",)})
    two = Trouble({Cause.TARGET_FIREWALL: 0.9, Cause.NOT_BOUND: 0.1}, {Cause.TARGET_FIREWALL: ("dropped",)})
    both = add_up([Trouble({Cause.NONE: 0.98, Cause.DNS: 0.02}, {}), one, two])
    assert both.shares[Cause.NONE] == 0
    assert sum(both.shares.values()) == pytest.approx(1)
    assert both.shares[Cause.NOT_BOUND] > both.shares[Cause.TARGET_FIREWALL] > 0.4
    assert both.evidence[Cause.TARGET_FIREWALL] == ("dropped",)


def test_no_subject_is_well() -> None:
    """Nothing to be wrong is nothing wrong."""
    assert add_up([]).shares == {Cause.NONE: 1.0}


def test_what_was_not_asked_answers_nothing() -> None:
    """An address that was not asked anything has no sign of how it answers, and is not called silent."""
    scene = scene_of(SILENT)
    bare = replace(scene.exam, survey=AddressSurvey(scene.exam.address, ()), echo=None)
    signs = {one.sign for one in findings(replace(scene, exam=bare))}
    assert not signs & QUESTIONS[0]


def test_an_odd_word_of_the_target_is_silence() -> None:
    """An error of the address itself that says neither gone nor prohibited answers nothing."""
    case = {"addresses": {"vpn": {"controls": "frag-needed", "port": "frag-needed"}}}
    assert Sign.PORTS_SILENT in {one.sign for one in findings(scene_of(case))}


def test_an_answer_without_its_interface_says_no_way() -> None:
    """Where the header was not seen, nothing is said of the way back."""
    scene = scene_of(CASES["a filter of the target on the tunnel, for everything and ping"])
    back = replace(scene.exam.comes_back, header=None)
    signs = {one.sign for one in findings(replace(scene, exam=replace(scene.exam, comes_back=back)))}
    assert not signs & {Sign.BACK_SAME, Sign.BACK_OTHER, Sign.BACK_NOWHERE}


def test_a_name_that_fits_says_so() -> None:
    """A name with an address of a tunnel is as it was meant."""
    scene = scene_of(CASES["all is well"])
    address = replace(scene.exam.address, name="server.test")
    told = NameAnswer(None, (scene.ip,)), NameAnswer(ip_address("198.18.53.1"), (), "no answer")
    exam = replace(scene.exam, address=address, names=told)
    assert Sign.NAME_FITS in {one.sign for one in findings(replace(scene, exam=exam))}
    nobody = replace(exam, names=told[1:])
    names = {Sign.NAME_FITS, Sign.NAME_ELSEWHERE, Sign.NAMES_DISAGREE, Sign.NO_NAME}
    assert not names & {one.sign for one in findings(replace(scene, exam=nobody))}


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause is not Cause.NONE])
def test_fixes_do_without_facts(cause: Cause) -> None:
    """A fix never fails for want of a tunnel, a source or a trial; and `none` has none."""
    case = {"machine": {"tunnel": None}, "addresses": {"vpn": {"controls": "no-route", "leaves_by": None}}}
    scene = scene_of(case)
    route = replace(scene.route, source=None)
    bare = replace(scene, exam=replace(scene.exam, survey=replace(scene.exam.survey, route=route)))
    assert all(str(fix) for fix in fixes(cause, replace(bare, named=frozenset({PORT}))))
    assert fixes(Cause.NONE, bare) == ()


def test_an_address_without_a_route_is_unsendable() -> None:
    """No route known at all is read as none measured, not as an error."""
    scene = scene_of(SILENT)
    exam = replace(scene.exam, survey=replace(scene.exam.survey, route=None))
    assert findings(replace(scene, exam=exam, verdict=Verdict((), ())))


def test_condition_is_that_of_the_first_cause() -> None:
    """A likely cause names the condition; else the scan's own word stays."""
    exams, machine, verdict = told_case(SILENT)
    lan, vpn = diagnose(exams, machine, verdict, frozenset())
    assert (lan.condition, vpn.condition) == ("clear", "tunnel-down")
    assert lan.well
    assert not vpn.well


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (200_000, "2 d")]
)
def test_durations(seconds: float, words: str) -> None:
    """The largest unit of which there are two."""
    assert lasting(seconds) == words


@pytest.mark.parametrize(
    ("kind", "up", "running", "said"),
    [
        (TunnelKind.WIREGUARD, False, False, "here# ip link set vpn up"),
        (TunnelKind.TAILSCALE, True, False, "here# tailscale up"),
        (TunnelKind.OPENVPN, True, False, "start the openvpn program of vpn again"),
    ],
)
def test_a_tunnel_is_switched_on_its_own_way(kind: TunnelKind, up: bool, running: bool, said: str) -> None:  # noqa: FBT001 - cases
    """An interface that is off is switched on; one without its program needs the program."""
    scene = scene_of(CASES["all is well"])
    (tunnel,) = scene.machine.tunnels
    off = replace(tunnel, kind=kind, link=replace(tunnel.link, up=up, running=running))
    there = replace(scene, machine=replace(scene.machine, tunnels=(off,)))
    assert said in str(fixes(Cause.TUNNEL_DOWN, there)[0])


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (switch_on("wg 0;reboot"), "ip link set 'wg 0;reboot' up"),
        (set_mtu("wg0", 1280), "ip link set wg0 mtu 1280"),
        (route_by(ip_address("fd88::10"), "$(x)"), "ip route replace fd88::10/128 dev '$(x)'"),
    ],
)
def test_names_are_quoted(command: str, text: str) -> None:
    """An interface's name is data to the shell, whatever is in it."""
    assert command == text
