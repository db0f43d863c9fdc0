"""The seam to a network, real or simulated: whatever leaves this machine goes through one of these two.

A `Backend` sends probes and receives replies. `Clients` are what a machine has beside it: its resolver, ping,
clients of services and of name servers, and data through an open port. Both keep the same clock, so that a
network in memory carries them in virtual time.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from probe.model.exam import Echo, MtuTrial, NameAnswer
from probe.model.greeting import Call, Greeting
from probe.model.identity import Key
from probe.model.machine import Resolvers
from probe.model.probing import Probe, Reply
from probe.model.target import IPAddress, Port

# --- probes ---


class Backend(Protocol):
    """A way to send probes. One thread, one clock, no exceptions for what the network answers."""

    @property
    def capacity(self) -> int:
        """How many probes may wait for a reply at once."""

    def now(self) -> float:
        """Seconds on this backend's clock; it never runs backwards."""

    def send(self, probe: Probe) -> float:
        """Send one probe; return when it left, on this backend's clock.

        What goes wrong locally comes back as its reply (`no-route`, `not-sent`).
        """

    def receive(self, until: float) -> Sequence[Reply]:
        """Wait for replies, at the latest until the clock shows `until`; return at the first ones."""

    def interrupted(self) -> bool:
        """Whether a signal asked for the end: nothing more is to be sent or waited for."""

    def forget(self, probe_ids: Iterable[int]) -> None:
        """Stop waiting for these probes and free what they hold; unknown ids are ignored."""

    def close(self) -> None:
        """Free everything."""


# --- clients ---


Endpoint = tuple[IPAddress, Port]
T_co = TypeVar("T_co", covariant=True)
LOOKUP_S = 3.0  # that the resolver has for a name; a name server that works answers within this


class Task(Protocol[T_co]):
    """Work that was begun, and goes on while probes are sent."""

    def result(self) -> T_co | None:
        """What it has brought; None where it has not ended by now."""


class Clients(Protocol):
    """Each method begins its work and returns at once. A result leaves out what could not be measured."""

    def ping(self, addresses: Sequence[IPAddress]) -> Task[Mapping[IPAddress, Echo]]:
        """Ask every address for an echo."""

    def try_mtu(self, ports: Mapping[IPAddress, Port]) -> Task[Mapping[IPAddress, MtuTrial]]:
        """Send data through one open TCP port of each address."""

    def look_up(self, names: Sequence[str], families: Collection[int]) -> Task[Mapping[str, NameAnswer]]:
        """Have the system's resolver find the addresses of every name, of these IP versions (4, 6).

        Names are in ASCII. One without an address has a failure: after `LOOKUP_S` that of no answer.
        """

    def ask_name_servers(
        self, names: Sequence[str], resolvers: Resolvers
    ) -> Task[Mapping[str, Sequence[NameAnswer]]]:
        """Ask every name server for the addresses of every name."""

    def keys(self, wanted: Sequence[Endpoint]) -> Task[Mapping[Endpoint, tuple[Key, ...]]]:
        """Ask open TCP ports for the keys that their services show."""

    def greetings(self, calls: Sequence[Call]) -> Task[Mapping[Endpoint, Greeting]]:
        """Read what services send first, or answer to a request."""

    def wait(self, tasks: Iterable[Task[object]]) -> None:
        """Let time pass until all of them have ended, or a signal asks for the end."""


class Done(Struct, Generic[T_co], frozen=True):
    """A task that has ended."""

    brought: T_co

    def result(self) -> T_co:
        """See `Task`."""
        return self.brought


class NoClients:
    """Clients that send nothing, and so measure nothing; see `Clients`."""

    def ping(self, addresses: Sequence[IPAddress]) -> Task[Mapping[IPAddress, Echo]]:
        """See `Clients`."""
        del addresses
        return Done({})

    def try_mtu(self, ports: Mapping[IPAddress, Port]) -> Task[Mapping[IPAddress, MtuTrial]]:
        """See `Clients`."""
        del ports
        return Done({})

    def look_up(self, names: Sequence[str], families: Collection[int]) -> Task[Mapping[str, NameAnswer]]:
        """See `Clients`."""
        del names, families
        return Done({})

    def ask_name_servers(
        self, names: Sequence[str], resolvers: Resolvers
    ) -> Task[Mapping[str, Sequence[NameAnswer]]]:
        """See `Clients`."""
        del names, resolvers
        return Done({})

    def keys(self, wanted: Sequence[Endpoint]) -> Task[Mapping[Endpoint, tuple[Key, ...]]]:
        """See `Clients`."""
        del wanted
        return Done({})

    def greetings(self, calls: Sequence[Call]) -> Task[Mapping[Endpoint, Greeting]]:
        """See `Clients`."""
        del calls
        return Done({})

    def wait(self, tasks: Iterable[Task[object]]) -> None:
        """See `Clients`."""
