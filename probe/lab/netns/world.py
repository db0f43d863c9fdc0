"""A scenario as a running network of real kernels. The calling thread becomes the prober."""

import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext

from msgspec import structs

from probe.backends import privilege
from probe.backends.clients import SystemClients
from probe.backends.system_host import SystemHost
from probe.engine.backend import Backend, Done, Endpoint, Task
from probe.errors import BackendError, PrivilegeError
from probe.lab.netns import enter, mounts, syscalls
from probe.lab.netns.cable import Cable
from probe.lab.netns.daemons import RunningDaemon, start_daemons
from probe.lab.netns.hosts import HeldHost, Serve, apply_settings, await_carrier, build, configure, finish
from probe.lab.netns.layout import lay_out
from probe.lab.netns.links import switching_off, wiring
from probe.lab.netns.listeners import serving
from probe.lab.netns.plans import HostPlan, Layout, cable_ends
from probe.lab.netns.programs import attempt, run
from probe.lab.netns.tunnels import lay_tunnel, switch_off_here
from probe.lab.scenario import Scenario
from probe.lab.scenario_hosts import TargetHost
from probe.lab.world import Ended, Shell, World, target_of
from probe.machine.sources import Host
from probe.machine.system import SystemMachine
from probe.model.facts import LinkKind, Route
from probe.model.fixes import Place
from probe.model.greeting import Approach, Call, Greeting
from probe.model.identity import Key
from probe.model.target import IPAddress, Realm

# --- the prober's machine ---


class NetnsProber(SystemHost):
    """The machine as it is, but a plain link named vpn stands for a tunnel, as in memory."""

    def route(self, destination: IPAddress) -> Route:
        """How the kernel would send to `destination`."""
        route = super().route(destination)
        return structs.replace(route, kind=LinkKind.TUNNEL) if route.interface == Realm.VPN else route


class ListenersClients(SystemClients):
    """The clients beside hosts without real services.

    Their listeners speak neither SSH nor TLS: they would keep a client for keys waiting until it gives up,
    and have none to show. Nor do they answer a request: only those that speak first are listened to.
    """

    def keys(self, wanted: Sequence[Endpoint]) -> Task[Mapping[Endpoint, tuple[Key, ...]]]:
        """Keys that open ports show: no listener has any."""
        del wanted
        return Done({})

    def greetings(self, calls: Sequence[Call]) -> Task[Mapping[Endpoint, Greeting]]:
        """What services send that speak first: the others have no answer, and would be waited for."""
        return super().greetings([call for call in calls if call.approach is Approach.LISTEN])


def clients_for(target: TargetHost) -> SystemClients:
    """The prober's clients beside this target."""
    return SystemClients() if target.services else ListenersClients()


# --- the network ---


@contextmanager
def open_netns(scenario: Scenario, *, raw: bool = True) -> Iterator[World]:
    """Build a scenario's network and yield it as a World whose prober is this thread.

    `raw`: open the sockets of raw packets too, which loads scapy.

    Raises:
        BackendError: not in a namespace made for worlds, or the network cannot be built.
        ScenarioError: the scenario makes no sense.
        UsageError: a port list that cannot be read.
    """
    from probe.backends.connect import ConnectBackend  # noqa: PLC0415 - only this world needs real sockets

    target, host = target_of(scenario), NetnsProber()
    packets = _raw_backend(host) if raw else nullcontext()
    with (
        open_network(scenario) as shell,
        closing(ConnectBackend()) as backend,
        closing(clients_for(scenario.target)) as clients,
        packets as opened,
    ):
        reader = SystemMachine(privilege.missing)
        yield World(scenario, target, backend, host, clients, reader, opened, shell)


@contextmanager
def _raw_backend(host: Host) -> Iterator[Backend | None]:
    """Raw packets; None where a sandbox has no sockets for them, although the network is ours."""
    from probe.backends.raw import open_raw  # noqa: PLC0415 - only this world needs real sockets

    try:
        backend = open_raw(host)
    except PrivilegeError:
        yield None
        return
    with closing(backend):
        yield backend


@contextmanager
def open_network(scenario: Scenario) -> Iterator[Shell]:
    """Build a scenario's network around the calling thread, and take it down after.

    Inside, the thread is in the prober's network namespace, new for every world; what it starts (other
    threads, commands) is there too. After, it is back where it was. Yields what runs a shell command on the
    prober or the target.

    Raises:
        BackendError: not in a namespace made for worlds, the network cannot be built, or a host of it broke.
        ScenarioError: the scenario makes no sense.
        UsageError: a port list that cannot be read.
    """
    enter.require_no_way_out()
    layout = lay_out(scenario)
    with ExitStack() as stack:
        try:
            hosts, daemons = _raise_network(layout, stack)
            _apply_faults(scenario, layout, hosts[0])
        except OSError as error:
            raise BackendError(f"cannot build the network: {error}") from None
        yield functools.partial(_shell, {Place.HERE: None, Place.TARGET: hosts[0].pid})
        for daemon in daemons:
            daemon.program.require_alive()
        for host in hosts:
            host.require_alive()


def _shell(hosts: Mapping[Place, int | None], place: Place, command: str) -> Ended:
    return attempt(hosts[place], ["sh", "-c", command])


def _apply_faults(scenario: Scenario, layout: Layout, target: HeldHost) -> None:
    """Switch off what the scenario has off, now that all has come up."""
    if layout.tunnel is not None:
        switch_off_here(layout.tunnel.vpn)
    if scenario.down:
        run(target.pid, ["ip", "-force", "-batch", "-"], switching_off(layout.hosts[0]))
    unplugged = [realm for realm, link in scenario.links.items() if link.unplugged]
    run(target.pid, ["ip", "-batch", "-"], "".join(f"link set {realm} down\n" for realm in unplugged))


def _raise_network(layout: Layout, stack: ExitStack) -> tuple[list[HeldHost], list[RunningDaemon]]:
    """Fork the hosts, lay the wires, let all hosts build themselves at once, and wait. Target first."""
    hosts = [_hold(stack, plan, functools.partial(serving, plan)) for plan in layout.hosts]
    if layout.cable is not None:
        hosts.append(_hold(stack, layout.cable, functools.partial(_cable, layout)))
    _become_prober(stack, layout.prober)
    apply_settings(layout.prober)
    for host in hosts:
        host.await_namespace()
    configure("ip", wiring(layout.wires, {host.name: host.pid for host in hosts}))
    join = lay_tunnel(layout.tunnel, hosts[0].pid, stack) if layout.tunnel is not None else _nothing
    for host in hosts:
        host.go()
    build(layout.prober)
    for host in hosts:
        host.await_ready()
    daemons = start_daemons(layout.hosts[0].daemons, hosts[0].pid, stack)
    join()
    finish(layout.prober)
    await_carrier(layout.prober)
    for daemon in daemons:
        daemon.await_answers()
    return hosts, daemons


def _hold(stack: ExitStack, plan: HostPlan, prepare: Callable[[], Serve]) -> HeldHost:
    host = HeldHost(plan, prepare)
    stack.callback(host.end)
    return host


def _nothing() -> None:
    """Join a tunnel that there is not."""


def _become_prober(stack: ExitStack, plan: HostPlan) -> None:
    before = syscalls.current_network()
    stack.callback(os.close, before)
    stack.callback(syscalls.enter_network, before)
    syscalls.new_network()
    stack.enter_context(mounts.own_view(tunnel=plan.tunnel))
    stack.enter_context(mounts.own_files(dict(plan.files)))


def _cable(layout: Layout) -> Serve:
    cable = Cable()
    for wire in layout.wires:
        if wire.delay:
            cable.join(*cable_ends(wire), wire.delay)
    return cable.run_forever
