"""The prober's machine in a world of real hosts: the kernel's own word, but no clients for keys."""

from collections.abc import Mapping, Sequence

from probe.host.system import SystemHost
from probe.model.identity import Key
from probe.model.target import IPAddress, Port


class ProberHost(SystemHost):
    """The machine as it is, except that the worlds' listeners speak neither SSH nor TLS.

    They would keep a client for keys waiting until it gives up, and have none to show.
    """

    def keys(
        self, wanted: Sequence[tuple[IPAddress, Port]]
    ) -> Mapping[tuple[IPAddress, Port], tuple[Key, ...]]:
        """Keys that open ports show: nobody in a world has any."""
        del wanted
        return {}
