"""The prober's machine in a world of real hosts: the kernel's own word, and few questions."""

from collections.abc import Mapping, Sequence

from msgspec import structs

from probe.host.system import SystemHost
from probe.lab.scenario import TargetHost
from probe.model.facts import LinkKind, Route
from probe.model.greeting import Approach, Call, Greeting
from probe.model.identity import Key
from probe.model.target import IPAddress, Port, Realm


class ProberHost(SystemHost):
    """The machine as it is, but a plain link named vpn stands for a tunnel, as in memory."""

    def route(self, destination: IPAddress) -> Route:
        """How the kernel would send to `destination`."""
        route = super().route(destination)
        return structs.replace(route, kind=LinkKind.TUNNEL) if route.interface == Realm.VPN else route


class ListenersProber(ProberHost):
    """The prober beside hosts without real services.

    Their listeners speak neither SSH nor TLS: they would keep a client for keys waiting until it gives up,
    and have none to show. Nor do they answer a request: only those that speak first are listened to.
    """

    def keys(
        self, wanted: Sequence[tuple[IPAddress, Port]]
    ) -> Mapping[tuple[IPAddress, Port], tuple[Key, ...]]:
        """Keys that open ports show: no listener has any."""
        del wanted
        return {}

    def greetings(self, calls: Sequence[Call]) -> Mapping[tuple[IPAddress, Port], Greeting]:
        """What services say that speak first: the others have no answer, and would be waited for."""
        return super().greetings([call for call in calls if call.approach is Approach.LISTEN])


def prober_of(target: TargetHost) -> ProberHost:
    """The prober's machine beside this target."""
    return ProberHost() if target.services else ListenersProber()
