"""From what was measured on an address to its findings: signs, each with the sentence that tells it."""

from collections.abc import Callable, Iterator

from probe.diagnose.answers import answers, how_it_answers
from probe.diagnose.scene import MOST, Scene
from probe.diagnose.signs import Finding, Sign
from probe.diagnose.ways import (
    as_it_was_meant,
    by_what_it_leaves,
    what_the_far_end_says,
    what_the_tunnel_says,
    which_kind_of_tunnel,
)
from probe.explain.phrases import listed
from probe.model.machine import Chain, Hook
from probe.model.probing import Reason
from probe.model.target import IPAddress
from probe.model.verdict import Condition
from probe.path.distance import is_answer

_STRICT = 1  # rp_filter, RFC 3704 section 2.2


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Everything that was seen of the address; each question answered once or not at all."""
    return tuple(finding for read in _READERS for finding in read(scene))


def _what_the_interface_counted(scene: Scene) -> Iterator[Finding]:
    passage, name = scene.exam.passage, scene.route.interface
    if passage is None or passage.probes == 0:
        return
    if scene.is_kept:
        yield Finding(
            Sign.KEPT,
            f"{name} sent {passage.sent_packets} packets for {passage.probes} probes: they do not get out",
        )
        return
    yield Finding(Sign.SENT, f"{name} sent the probes")
    if passage.heard:
        return
    if passage.received_packets >= passage.probes * MOST:
        came = f"{name} received {passage.received_packets} packets meanwhile"
        yield Finding(Sign.CAME, f"{came}, and no program heard an answer")
    elif passage.received_packets == 0:
        yield Finding(Sign.NOTHING_CAME, f"{name} received nothing meanwhile")


def _which_way_it_came(scene: Scene) -> Iterator[Finding]:
    back = scene.exam.comes_back
    if back is None:
        return
    what = f"an opening from {scene.source}, handed to the host over another link,"
    if back.reason is Reason.NO_RESPONSE:
        yield Finding(Sign.BACK_NOWHERE, f"{what} is not answered")
    elif is_answer(back) and back.header is not None and back.header.interface is not None:
        same = back.header.interface == scene.route.interface
        sign = Sign.BACK_SAME if same else Sign.BACK_OTHER
        yield Finding(sign, f"{what} is answered by way of {back.header.interface}")


def _how_the_others_do(scene: Scene) -> Iterator[Finding]:
    if not scene.others:
        return
    alive = [str(other.address.ip) for other in scene.others if answers(other)]
    if alive:
        yield Finding(Sign.OTHERS_ALIVE, f"the target answers at {listed(alive)}")
    else:
        yield Finding(Sign.OTHERS_SILENT, "no other address of the target answers either")


def _how_the_link_does(scene: Scene) -> Iterator[Finding]:
    alive, link = scene.exam.link_alive, scene.route.interface
    if alive is not None:
        yield (
            Finding(Sign.LINK_ALIVE, f"other machines on {link} answer")
            if alive
            else Finding(Sign.LINK_DEAD, f"no other machine on {link} answers either")
        )


def blocking(scene: Scene) -> tuple[Chain, ...]:
    """Chains of this machine's filter that block something."""
    return tuple(chain for chain in scene.machine.firewall.chains or () if chain.blocking)


def _what_our_filter_holds(scene: Scene) -> Iterator[Finding]:
    if scene.machine.firewall.chains is None:
        return
    found = blocking(scene)
    if not found:
        yield Finding(Sign.FILTER_CLEAR, "this machine's own packet filter blocks nothing")
        return
    rules = "; ".join(f"{_towards(chain)} {chain.blocking[0]}" for chain in found[:2])
    yield Finding(Sign.FILTER_BLOCKS, f"this machine's own packet filter has rules that block: {rules}")


def _towards(chain: Chain) -> str:
    return "out:" if chain.hook is Hook.OUTPUT else "in:"


def _how_strict_we_are(scene: Scene) -> Iterator[Finding]:
    link = scene.machine.link(scene.route.interface)
    passage = scene.exam.passage
    if passage is not None and (passage.reverse_path_drops or 0) >= passage.probes * MOST > 0:
        dropped = passage.reverse_path_drops
        yield Finding(
            Sign.PATH_DROPS,
            f"this machine's check of the reverse path threw {dropped} packets away meanwhile",
        )
        return
    if link is None or link.reverse_path is None or scene.ip.version != 4:  # noqa: PLR2004 - IPv4 has the check
        return
    if link.reverse_path == _STRICT:
        yield Finding(
            Sign.PATH_STRICT, f"{link.name} takes answers only by the way that it would send (rp_filter)"
        )
    else:
        yield Finding(Sign.PATH_LOOSE, f"{link.name} takes answers by any way")


def _who_claims_it(scene: Scene) -> Iterator[Finding]:
    names = [link.name for link in scene.claiming()]
    if len(names) > 1:
        yield Finding(Sign.TWO_CLAIM, f"{listed(names)} have the same network, which has {scene.ip}")
    elif names:
        yield Finding(Sign.ONE_CLAIMS, f"only {names[0]} has a network with {scene.ip}")


def _who_answers(scene: Scene) -> Iterator[Finding]:
    if scene.condition is Condition.WRONG_HOST:
        yield Finding(Sign.STRANGER, f"another machine than the target answers at {scene.ip}")


def _what_the_name_gives(scene: Scene) -> Iterator[Finding]:
    name, told = scene.exam.address.name, [a for a in scene.exam.names if a.failure is None]
    if name is None:
        yield Finding(Sign.NO_NAME, f"{scene.ip} was given itself, not by a name")
        return
    if not told:
        return
    sets = {frozenset(answer.addresses) for answer in told}
    if len(sets) > 1:
        said = "; ".join(f"{_server(a.server)} says {_joined(a.addresses)}" for a in told)
        yield Finding(Sign.NAMES_DISAGREE, f"the name servers disagree on {name}: {said}")
    elif scene.wants_vpn and not scene.by_tunnel and scene.meant is None:
        yield Finding(Sign.NAME_ELSEWHERE, f"{name} gives {_joined(told[0].addresses)}, which no tunnel has")
    else:
        yield Finding(Sign.NAME_FITS, f"{name} gives an address of the right kind")


def _server(server: IPAddress | None) -> str:
    return "this system" if server is None else str(server)


def _joined(addresses: tuple[IPAddress, ...]) -> str:
    return listed([str(address) for address in addresses]) if addresses else "nothing"


_READERS: tuple[Callable[[Scene], Iterator[Finding]], ...] = (
    how_it_answers,
    by_what_it_leaves,
    which_kind_of_tunnel,
    as_it_was_meant,
    what_the_tunnel_says,
    what_the_far_end_says,
    _what_the_interface_counted,
    _which_way_it_came,
    _how_the_others_do,
    _how_the_link_does,
    _what_our_filter_holds,
    _how_strict_we_are,
    _who_claims_it,
    _who_answers,
    _what_the_name_gives,
)
