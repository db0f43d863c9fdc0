"""What is printed on stderr before a packet is sent: why none is raw, and what may look hostile."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from probe.app.engine_request import EngineRequest
from probe.cli.terminal import note
from probe.model.evidence import AddressRule, EvidenceRule
from probe.model.facts import LinkKind
from probe.model.target import Realm

if TYPE_CHECKING:
    from probe.app.target import LeftOut
    from probe.machine.interfaces import Interface
    from probe.machine.sources import Host
    from probe.model.report import Report
    from probe.model.target import ResolvedTarget
    from probe.wire.pcapng import Capture

_HINT = "no raw packets, so a forged reset looks like a real one"
_PRICE_OF_NO_CONTROLS = (
    "without unused ports to compare with, a filter on all ports, a proxy or a ban does not show"
)
_LOOKS_HOSTILE = "their owner may take that for an attack"


def hint(missing: str | None, *, quiet: bool, detail: bool = False, where: str = "-v shows how") -> None:
    """Print that no raw packets are sent, if something is missing for them; with `detail` what permits them.

    `where` the reader finds that else.
    """
    if missing is not None and not quiet:
        note(f"{_HINT}: {missing if detail else where}")


def offer_tunnels(
    target: "ResolvedTarget", read: Callable[[], Sequence["Interface"]], *, quiet: bool
) -> None:
    """Print the tunnels of this machine where no VPN address was given: the target may have one there."""
    realms = {address.realm for address in target.addresses}
    if quiet or Realm.VPN in realms or realms <= {Realm.LOOPBACK}:
        return
    for link in read():
        if link.kind is LinkKind.TUNNEL and link.up and not any(link.covers(a.ip) for a in target.addresses):
            own = [one for one in link.addresses if not one.is_link_local]
            if own:
                wide = own[0].network.num_addresses > 1
                leads = f"leads to {own[0].network}" if wide else f"is up, with {own[0].ip}"
                note(f"tunnel {link.name} {leads}: add --vpn ADDRESS of the target to compare")


def note_left_out(*, quiet: bool) -> "LeftOut":
    """What prints why an address of a name is not used, each reason once."""
    shown: set[str] = set()

    def left_out(why: str) -> None:
        if not quiet and why not in shown:
            shown.add(why)
            note(f"left out: {why}")

    return left_out


def warn_of_packets(capture: "Capture | None") -> None:
    """Print that the file of packets is not whole, if so."""
    if capture is not None and capture.failure is not None:
        note(f"the packet file ends early: {capture.failure}")


def warn_of_other_machine(report: "Report", *, quiet: bool) -> None:
    """Print that the sockets are listed by a machine that has none of the target's addresses, if so."""
    if quiet or report.facts.sockets is None:
        return
    from probe.app.confirm import is_elsewhere

    if is_elsewhere(report):
        note("the sockets are of a machine that has none of the target's addresses: is it the target?")


_MOST_CHANGES = 3  # that have a line each


def warn_of_changes(report: "Report", *, quiet: bool) -> None:
    """Print which ports and addresses changed while they were measured, so that the user scans again."""
    found = [
        f"{row.port}: {one.text}"
        for row in report.ports
        for one in row.evidence
        if one.rule in {EvidenceRule.CHANGED, EvidenceRule.STOPPED_LISTENING}
    ]
    found += [
        f"{address.address}: {one.text}"
        for address in report.addresses
        for one in address.evidence
        if one.rule is AddressRule.CHANGED
    ]
    for text in () if quiet else found[:_MOST_CHANGES]:
        note(f"{text}; run it again")
    if len(found) > _MOST_CHANGES and not quiet:
        note(f"{len(found) - _MOST_CHANGES} more changed during the scan; run it again")


def announce(request: EngineRequest, target: "ResolvedTarget", host: "Host") -> None:
    """Print what looks hostile, before it is sent, and what is given up by asking less."""
    if not request.controls:
        note(f"--no-controls: {_PRICE_OF_NO_CONTROLS}")
    if request.fin:
        every = ", ".join(str(address.ip) for address in target.addresses)
        what = (
            f"--fin: FINs without a connection go to TCP ports of {every} that stay silent or are forwarded"
        )
        note(f"{what}; {_LOOKS_HOSTILE}")
    if request.l2:
        near = ", ".join(_neighbours(target, host)) or "nobody, none of the addresses is a neighbour"
        note(f"--l2: frames for 127.0.0.1 go to {near}; {_LOOKS_HOSTILE}")


def _neighbours(target: "ResolvedTarget", host: "Host") -> Iterator[str]:
    """Addresses whose frames go straight to the machine itself."""
    for address in target.addresses:
        route = host.route(address.ip)
        if address.family == 4 and route.on_link and route.kind is LinkKind.ETHERNET:  # noqa: PLR2004 - IPv4
            yield str(address.ip)
