"""What root would show: proposed where it separates the causes that are left, and only there."""

from exam_builder import PORT
from survey_builder import survey
from test_diagnosis_tables import CASES, scene_of
from varied import replace

from probe.diagnosis import diagnose
from probe.diagnosis.as_root import root_would_show
from probe.explain.causes import explained_root
from probe.model.diagnosis import Cause, Look, RootWouldShow
from probe.model.machine import Firewall
from probe.model.unread import Unread, UnreadRule

ROOT = Unread(rule=UnreadRule.NEEDS_ROOT)
SILENT = scene_of(CASES["the tunnel never shook hands"])
UNREAD = replace(
    SILENT,
    machine=replace(
        SILENT.machine,
        firewall=Firewall(None, ROOT),
        tunnels=tuple(replace(one, peers=None, unread=ROOT) for one in SILENT.machine.tunnels),
    ),
)
FILTER, PEERS, BACK = Look.PACKET_FILTER, Look.TUNNEL_PEERS, Look.RETURN_PATH


def test_the_peers_of_a_tunnel() -> None:
    """A handshake that never was separates its cause from a target that is off."""
    shares = [(Cause.HANDSHAKE_NEVER, 0.5), (Cause.NOT_IN_ALLOWED_IPS, 0.4), (Cause.DNS, 0.1)]
    found = root_would_show(UNREAD, shares)
    assert found is not None
    assert PEERS in found.looks
    assert {Cause.HANDSHAKE_NEVER, Cause.NOT_IN_ALLOWED_IPS} <= set(found.causes)


def test_the_way_back() -> None:
    """Another address on another link lets a raw opening in: by which link its answer comes is then seen."""
    shares = [(Cause.REVERSE_PATH_FILTER, 0.5), (Cause.NO_RETURN_ROUTE, 0.5)]
    lan = scene_of(CASES["the tunnel never shook hands"], 0).exam
    found = root_would_show(replace(UNREAD, others=[lan]), shares)
    assert found == RootWouldShow(looks=(BACK,), causes=(Cause.NO_RETURN_ROUTE, Cause.REVERSE_PATH_FILTER))
    assert root_would_show(replace(UNREAD, others=[]), shares) is None
    asked = replace(UNREAD.exam, comes_back=lan.survey.observations[0])
    assert root_would_show(replace(UNREAD, others=[lan], exam=asked), shares) is None
    unknown = replace(lan, survey=replace(survey("lan", {"controls": "no-response"}, PORT), route=None))
    assert root_would_show(replace(UNREAD, others=[unknown]), shares) is None


def test_nothing_where_it_changes_little() -> None:
    """One cause that is left, causes that look alike to root too, and a look that was taken already."""
    assert root_would_show(UNREAD, [(Cause.HANDSHAKE_NEVER, 0.95)]) is None
    assert root_would_show(UNREAD, [(Cause.NOT_BOUND, 0.5), (Cause.TARGET_FIREWALL, 0.5)]) is None
    shares = [(Cause.HANDSHAKE_NEVER, 0.5), (Cause.NOT_IN_ALLOWED_IPS, 0.5)]
    assert root_would_show(SILENT, shares) is None


def test_it_stands_with_the_address() -> None:
    """A tunnel whose peers may not be read, and silence behind it."""
    exams = [*UNREAD.others, UNREAD.exam]
    _, vpn = diagnose(exams, UNREAD.machine, UNREAD.verdict, frozenset({PORT}))
    assert vpn.as_root is not None


def test_its_sentence() -> None:
    """What would be looked at, and what that separates."""
    shown = RootWouldShow(looks=(FILTER, PEERS, BACK), causes=(Cause.LOCAL_FIREWALL, Cause.HOST_DOWN))
    assert explained_root(shown).text == (
        "sudo would show this machine's packet filter, the tunnel's peers and handshakes and"
        " the path of the answers, which separates local-firewall and host-down"
    )
