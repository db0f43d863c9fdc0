"""Which engine a scan gets: what was asked for, and what to say where this machine does not permit it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from probe.cli.options import Engine
from probe.cli.terminal import say
from probe.errors import UsageError
from probe.model.facts import LinkKind
from probe.model.greeting import Inquiry
from probe.model.plan import RawPermissions

if TYPE_CHECKING:
    from probe.inference.follow_up import Doubt
    from probe.machine.sources import Host
    from probe.model.target import Target

_HINT = "connect() alone, which a forged reset deceives"
_LOOKS_HOSTILE = "their owner may take that for an attack"


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """The engine that was asked for, and what ports may be asked of their services.

    `named` are the flags that take raw packets: they are never dropped.
    """

    engine: Engine
    battery: RawPermissions
    pcap: Path | None = None
    named: tuple[str, ...] = ()
    inquiry: Inquiry = Inquiry.ALL


def wish_of(engine: Engine, pcap: Path | None, *, l2: bool, fin: bool, greet: bool = True) -> EngineRequest:
    """Read the flags of the raw engine.

    Raises:
        UsageError: one that takes raw packets, and `--engine connect`.
    """
    flags = {"--pcap": pcap is not None, "--l2": l2, "--fin": fin}
    named = tuple(flag for flag, given in flags.items() if given)
    if named and engine is Engine.CONNECT:
        raise UsageError(f"{named[0]} takes raw packets, which --engine connect does not send")
    if engine is Engine.RAW:
        named = ("--engine raw", *named)
    return EngineRequest(
        engine, RawPermissions(fin=fin, loopback=l2), pcap, named, Inquiry.ALL if greet else Inquiry.NONE
    )


def doubts_of(wish: EngineRequest, *, quiet: bool) -> "Sequence[Doubt] | None":
    """The raw follow-ups that these flags permit; None where no raw packets would be sent."""
    if wish.engine is Engine.CONNECT:
        return None
    from probe.backends import privilege

    missing = None if wish.named else privilege.missing()
    if missing is not None:
        hint(missing, quiet=quiet)
        return None
    from probe.inference.follow_up import DOUBTS

    return [one for one in DOUBTS if one.takes is None or one.takes in wish.named]


def hint(missing: str | None, *, quiet: bool) -> None:
    """Say on stderr why no raw packets are sent, if something is missing for them."""
    if missing is not None and not quiet:
        say(f"{_HINT}; {missing}")


def announce(wish: EngineRequest, target: "Target", host: "Host") -> None:
    """Say on stderr what looks hostile, before it is sent."""
    if wish.battery.fin:
        every = ", ".join(str(address.ip) for address in target.addresses)
        what = (
            f"--fin: FINs without a connection go to TCP ports of {every} that stay silent or are forwarded"
        )
        say(f"{what}; {_LOOKS_HOSTILE}")
    if wish.battery.loopback:
        near = ", ".join(_neighbours(target, host)) or "nobody, none of the addresses is a neighbour"
        say(f"--l2: frames for 127.0.0.1 go to {near}; {_LOOKS_HOSTILE}")


def _neighbours(target: "Target", host: "Host") -> Iterator[str]:
    """Addresses whose frames go straight to the machine itself."""
    for address in target.addresses:
        route = host.route(address.ip)
        if address.family == 4 and route.on_link and route.kind is LinkKind.ETHERNET:  # noqa: PLR2004 - IPv4
            yield str(address.ip)
