"""Make the captures again: `python tests/golden/record.py [FOLDER]`, by default into this folder.

Each is what the raw backend sends and receives in a world of network namespaces: few packets, all shapes. The
ports, numbers and times differ from run to run; the expectations beside the captures name none of them.
"""

import sys
import time
from contextlib import closing
from dataclasses import dataclass
from itertools import count, product
from pathlib import Path

TOP = Path(__file__).parents[2]
sys.path.insert(0, str(TOP))

import msgspec  # noqa: E402 - behind the line above

from probe.backends.raw import open_raw  # noqa: E402
from probe.backends.system_host import SystemHost  # noqa: E402
from probe.engine.backend import Backend  # noqa: E402
from probe.lab.files import find_scenario  # noqa: E402
from probe.lab.netns import enter  # noqa: E402
from probe.lab.netns.world import open_network  # noqa: E402
from probe.lab.scenario import address_of  # noqa: E402
from probe.model.probing import Probe, Question, Shape  # noqa: E402
from probe.model.target import IPAddress, Port, Protocol  # noqa: E402
from probe.wire.pcapng import Capture  # noqa: E402

PATIENCE = 1.0  # seconds for the last answers
PAUSE = 0.02  # seconds between probes


@dataclass(frozen=True)
class Ask:
    """One kind of question to every address. The port is 0 where the shape has none."""

    shape: Shape
    ports: tuple[int, ...] = (0,)
    protocol: Protocol = Protocol.TCP
    ttl: int | None = None


@dataclass(frozen=True)
class Recording:
    """What is asked in the world of one scenario, at which of its addresses."""

    addresses: tuple[str, ...]
    asks: tuple[Ask, ...]


ECHO, WHO_HAS = Ask(Shape.ECHO), Ask(Shape.WHO_HAS)
RECORDINGS = {
    "container-published": Recording(
        ("lan", "vpn"),
        (Ask(Shape.OPENING, (22, 8080, 8081)), Ask(Shape.OPENING, (22, 8080), ttl=1), ECHO),
    ),
    "firewall-default-reject": Recording(
        ("lan", "lan6"),
        (Ask(Shape.OPENING, (22, 5432, 8080)), Ask(Shape.ACK, (22, 5432)), ECHO),
    ),
    "host-forges-resets": Recording(
        ("lan", "lan6"),
        (
            Ask(Shape.OPENING, (22, 3306, 61001)),
            *(Ask(s, (22, 61001)) for s in (Shape.ACK, Shape.FIN)),
            WHO_HAS,
        ),
    ),
    "udp-services": Recording(("lan", "vpn"), (Ask(Shape.OPENING, (53, 69, 123, 500, 514), Protocol.UDP),)),
}


def questions(address: IPAddress, ask: Ask) -> list[Question]:
    """One for each port; none where the family has no such shape."""
    if ask.shape is Shape.WHO_HAS and address.version == 6:
        return []
    return [
        Question(address, Port(ask.protocol, number), ttl=ask.ttl, shape=ask.shape) for number in ask.ports
    ]


def ask_all(backend: Backend, recording: Recording) -> None:
    """Ask every question once, and receive what comes."""
    ids = count(1)
    for symbol, ask in product(recording.addresses, recording.asks):
        for question in questions(address_of(symbol), ask):
            backend.send(Probe(next(ids), question))
            backend.receive(backend.now() + PAUSE)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        backend.receive(end)


def record(name: str, folder: Path) -> None:
    """Write the capture of one scenario."""
    recording = RECORDINGS[name]
    scenario = msgspec.structs.replace(find_scenario(name), addresses=recording.addresses)
    with (
        closing(Capture(folder / f"{name}.pcapng")) as capture,
        open_network(scenario),
        closing(open_raw(SystemHost(), capture)) as backend,
    ):
        ask_all(backend, recording)


if __name__ == "__main__":
    if not enter.inside():
        sys.exit(enter.reenter((sys.executable, *sys.argv)))
    place = Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
    for each in RECORDINGS:
        record(each, place if place.is_dir() else place.parent)
