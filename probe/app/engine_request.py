"""What is asked of an engine: what it may send, and ask of services."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from probe.app.engines import Engine
from probe.errors import UsageError

if TYPE_CHECKING:
    from probe.model.greeting import Inquiry
    from probe.model.plan import RawPermissions
    from probe.model.way_out import WayOut


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """The engine that is asked for, what raw packets it may send, and what it may ask of services.

    Args:
        engine: how to probe.
        pcap: write every raw packet sent and received to this file (pcapng).
        l2: hand frames for 127.0.0.1 to neighbours too. Their owner may take that for an attack.
        fin: send FINs without a connection to TCP ports that are silent or forwarded. So may this.
        controls: ask ports that nothing uses too, beside which the others are read.
        greetings: ask open ports for host keys, banners and the head of a web page.
        interface: what probes leave by; None: as the routing table has it.
        sources: addresses of this machine to send from, at most one of each family.

    Raises:
        UsageError: what takes raw packets is asked of `connect`, which sends none.
    """

    engine: Engine = Engine.AUTO
    pcap: Path | None = None
    l2: bool = False
    fin: bool = False
    controls: bool = True
    greetings: bool = True
    interface: str | None = None
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.named and self.engine is Engine.CONNECT:
            raise UsageError(f"{self.named[0]} takes raw packets, which --engine connect does not send")

    @property
    def named(self) -> tuple[str, ...]:
        """The options that ask for raw packets by name: they are never dropped without a word."""
        options = {
            "--engine raw": self.engine is Engine.RAW,
            "--pcap": self.pcap is not None,
            "--l2": self.l2,
            "--fin": self.fin,
        }
        return tuple(option for option, given in options.items() if given)

    @property
    def permissions(self) -> "RawPermissions":
        """Which raw packets may be sent that look hostile."""
        from probe.model.plan import RawPermissions

        return RawPermissions(fin=self.fin, loopback=self.l2)

    @property
    def way(self) -> "WayOut":
        """How probes leave this machine.

        Raises:
            UsageError: this machine has no such interface or address.
        """
        from probe.app.way_out import own_way

        return own_way(self.interface, self.sources)

    @property
    def inquiry(self) -> "Inquiry":
        """What open ports may be asked of their services."""
        from probe.model.greeting import Inquiry

        return Inquiry.ALL if self.greetings else Inquiry.NONE


def engine_request(engine: str | EngineRequest) -> EngineRequest:
    """Read the name of an engine.

    Raises:
        UsageError: there is none of this name.
    """
    if isinstance(engine, EngineRequest):
        return engine
    try:
        return EngineRequest(Engine(engine))
    except ValueError:
        raise UsageError(f"no engine {engine!r}: choose {', '.join(Engine)}") from None
