"""The clients of this machine, each in a thread of its own; see `probe.engine.backend.Clients`.

Each module is loaded when its client is first used, by its thread: most scans need none of them, and in those
that do probes are under way.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct

from probe.backends.resolver import SystemLookup
from probe.engine.backend import Endpoint, Task
from probe.model.exam import Echo, MtuTrial, NameAnswer
from probe.model.greeting import Call, Greeting
from probe.model.identity import Key
from probe.model.machine import Resolvers
from probe.model.target import IPAddress, Port
from probe.model.way_out import USUAL_WAY, WayOut

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

    from probe.backends.kept import KeptConnections

_THREADS = 8  # every client at once
T = TypeVar("T")


class ThreadTask(Struct, Generic[T], frozen=True):
    """Work in a thread."""

    future: "Future[T]"

    def result(self) -> T | None:
        """What it has brought; None where it has not ended by now.

        Raises:
            Exception: what the work raised.
        """
        done = self.future.done() and not self.future.cancelled()
        return self.future.result() if done else None


class SystemClients:
    """Sends by this machine's own sockets. A thread starts in the network namespace of who begins a task.

    Args:
        way: how connections to services leave. The other clients measure the way that the system chooses.
        kept: connections of the survey, which keys are asked for by.
    """

    def __init__(self, way: WayOut = USUAL_WAY, kept: "KeptConnections | None" = None) -> None:
        self._way = way
        self._kept = kept
        self._pool: ThreadPoolExecutor | None = None

    def close(self) -> None:
        """Begin nothing more; what is under way ends by itself."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def ping(self, addresses: Sequence[IPAddress]) -> Task[Mapping[IPAddress, Echo]]:
        """By ping sockets."""

        def work() -> Mapping[IPAddress, Echo]:
            from probe.backends.ping import ping  # noqa: PLC0415

            return ping(addresses)

        return self._begin(work)

    def try_mtu(self, ports: Mapping[IPAddress, Port]) -> Task[Mapping[IPAddress, MtuTrial]]:
        """By connections whose acknowledged bytes the kernel reports."""

        def work() -> Mapping[IPAddress, MtuTrial]:
            from probe.backends.pmtu import try_mtu  # noqa: PLC0415

            return try_mtu(ports)

        return self._begin(work)

    def look_up(self, names: Sequence[str], families: Collection[int]) -> Task[Mapping[str, NameAnswer]]:
        """By getaddrinfo(3)."""
        return SystemLookup(names, families)

    def ask_name_servers(
        self, names: Sequence[str], resolvers: Resolvers
    ) -> Task[Mapping[str, Sequence[NameAnswer]]]:
        """By UDP, past the system's resolver."""

        def work() -> Mapping[str, Sequence[NameAnswer]]:
            from probe.backends.dns import ask_servers  # noqa: PLC0415

            return ask_servers(names, resolvers)

        return self._begin(work)

    def keys(self, wanted: Sequence[Endpoint]) -> Task[Mapping[Endpoint, tuple[Key, ...]]]:
        """By a key exchange of SSH that is only begun, and by TLS."""

        def work() -> Mapping[Endpoint, tuple[Key, ...]]:
            from probe.backends.host_keys import read_keys  # noqa: PLC0415

            return read_keys(wanted, way=self._way, kept=self._kept)

        return self._begin(work)

    def greetings(self, calls: Sequence[Call]) -> Task[Mapping[Endpoint, Greeting]]:
        """By ordinary connections, plain or by TLS."""

        def work() -> Mapping[Endpoint, Greeting]:
            from probe.backends.banner import read_greetings  # noqa: PLC0415

            return read_greetings(calls, way=self._way)

        return self._begin(work)

    def wait(self, tasks: Iterable[Task[object]]) -> None:
        """Wait until all have ended; at a signal, a moment for those that end by themselves then."""
        waiting = tuple(tasks)
        for task in waiting:
            if isinstance(task, SystemLookup):
                task.wait()
        futures = [task.future for task in waiting if isinstance(task, ThreadTask)]
        if futures:
            from probe.backends.side_by_side import await_all  # noqa: PLC0415

            await_all(futures)

    def _begin(self, work: Callable[[], T]) -> Task[T]:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

        if self._pool is None:
            self._pool = ThreadPoolExecutor(_THREADS)
        return ThreadTask(self._pool.submit(work))
