"""What to do about a verdict: what to bind, which firewall to open, what should not be reachable at all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from probe.explain.phrases import listed
from probe.infer.forwarded import forwarders
from probe.infer.heard import Heard
from probe.infer.policy import AddressModel
from probe.infer.way_words import doctor_command
from probe.model.target import Port, Realm
from probe.model.verdict import Binding, Condition, PortVerdict
from probe.services import is_private, service_name

_OPEN = frozenset({Heard.OPEN, Heard.OPEN_BEHIND, Heard.CUT})


@dataclass(frozen=True, slots=True)
class Advice:
    """Lines to show, and how much they matter: 0 nothing to do, higher first."""

    lines: tuple[str, ...] = ()
    urgency: int = 0


Rule = Callable[[PortVerdict, Sequence[AddressModel]], str | None]


def _label(port: Port) -> str:
    name = service_name(port)
    return f"{port} ({name})" if name else str(port)


def _opened(port: Port, models: Sequence[AddressModel]) -> list[AddressModel]:
    return [m for m in models if port in m.evidence and m.evidence[port].heard in _OPEN]


def _where(models: Sequence[AddressModel]) -> str:
    return listed([str(m.address.ip) for m in models])


def _private_in_public(verdict: PortVerdict, models: Sequence[AddressModel]) -> str | None:
    exposed = [m for m in _opened(verdict.port, models) if m.address.realm == Realm.PUBLIC]
    if not exposed or not is_private(verdict.port):
        return None
    said = f"{_label(verdict.port)} answers on the public address {_where(exposed)}"
    if forwarders(verdict.port, models):
        return f"{said}: publish it on 127.0.0.1 or on the one address that its clients use"
    return (
        f"{said}: bind it to 127.0.0.1 or to the one address that its clients use, or close it in the firewall of "
        "the public interface"
    )


def _private_everywhere(verdict: PortVerdict, models: Sequence[AddressModel]) -> str | None:
    if verdict.binding is not Binding.WILDCARD or not is_private(verdict.port):
        return None
    if _private_in_public(verdict, models) is not None or forwarders(verdict.port, models):
        return None
    return (
        f"{_label(verdict.port)} listens on all interfaces: bind it to 127.0.0.1 or to the one address that its "
        "clients use, or let a firewall limit who reaches it"
    )


def _published(verdict: PortVerdict, models: Sequence[AddressModel]) -> str | None:
    by = [m for m in forwarders(verdict.port, models) if m.evidence[verdict.port].heard is Heard.OPEN_BEHIND]
    if not by:
        return None
    return (
        f"{_label(verdict.port)} is forwarded by {_where(by)} into a container or to another host, as Docker publishes "
        "ports: rules in the host's input chain (ufw) do not cover it; publish it on one address, for example "
        "-p 127.0.0.1:PORT:PORT, or limit it in the chain DOCKER-USER"
    )


def _refused_behind(verdict: PortVerdict, models: Sequence[AddressModel]) -> str | None:
    by = [
        m for m in forwarders(verdict.port, models) if m.evidence[verdict.port].heard is Heard.CLOSED_BEHIND
    ]
    if not by:
        return None
    return (
        f"{_label(verdict.port)} is forwarded by {_where(by)} to something that refuses it: start the service there, "
        "or correct the port inside to which it is published"
    )


def _bind_wider(verdict: PortVerdict, models: Sequence[AddressModel]) -> str | None:
    if verdict.binding is not Binding.SPECIFIC:
        return None
    private = is_private(verdict.port)
    refused = [
        m
        for m in models
        if verdict.port in m.evidence
        and m.evidence[verdict.port].heard is Heard.CLOSED
        and not (private and m.address.realm == Realm.PUBLIC)
    ]
    if not refused:
        return None
    bound = listed([str(ip) for ip in verdict.bound_to])
    if forwarders(verdict.port, models):
        return f"{_label(verdict.port)} is forwarded on {bound} only: to reach it at {_where(refused)}, publish it there too"
    return (
        f"{_label(verdict.port)} is bound to {bound} only: to reach it at {_where(refused)}, bind it to that "
        "address too, or to all interfaces and let a firewall limit who reaches it"
    )


def _not_exposed(verdict: PortVerdict, models: Sequence[AddressModel]) -> str | None:
    pair = {Binding.LOOPBACK_OR_NOT_LISTENING, Binding.LOOPBACK}
    if verdict.binding not in pair or forwarders(verdict.port, models):
        return None
    goal = next((m for m in models if m.address.realm == Realm.VPN), models[0]).address.ip
    if verdict.binding is Binding.LOOPBACK:
        return (
            f"{_label(verdict.port)} runs, and no probed address reaches it: it is bound to loopback, or to an "
            f"address that was not probed; to serve {goal}, bind it to that address, or publish it there (docker run -p)"
        )
    return (
        f"{_label(verdict.port)} is not reachable: if it runs, it is bound to loopback or to an address that was "
        f"not probed; to serve {goal}, bind it to that address, or publish it there (docker run -p)"
    )


def _open_firewall(verdict: PortVerdict, models: Sequence[AddressModel]) -> str | None:
    stopped = [m for m in _blocked(verdict, models) if m.address.realm != Realm.PUBLIC]
    if not stopped:
        return None
    by = [m for m in stopped if _rejector(verdict.port, m) is not None]
    if by:
        sender = _rejector(verdict.port, by[0])
        return (
            f"{_label(verdict.port)} is rejected at {_where(by)} by {sender}: allow it in the firewall there"
        )
    also = ", and publish it there" if forwarders(verdict.port, models) else ""
    return (
        f"{_label(verdict.port)} is blocked at {_where(stopped)}: to allow it, open {verdict.port.number}/"
        f"{verdict.port.protocol} in the firewall that guards that address{also}"
    )


def _blocked(verdict: PortVerdict, models: Sequence[AddressModel]) -> list[AddressModel]:
    blocked = {Condition.DROPPED, Condition.REJECTED}
    return [m for m in models if verdict.conditions.get(m.address.ip) in blocked]


def _kept_from_public(verdict: PortVerdict, models: Sequence[AddressModel]) -> str | None:
    stopped = [m for m in _blocked(verdict, models) if m.address.realm == Realm.PUBLIC]
    if not stopped or is_private(verdict.port):
        return None
    by = _rejector(verdict.port, stopped[0]) or "a filter"
    return (
        f"{_label(verdict.port)} is kept from the public address {_where(stopped)} by {by}: nothing to do, unless "
        "it is meant for the internet"
    )


def _rejector(port: Port, model: AddressModel) -> str | None:
    observation = model.tested.get(port)
    if observation is None or observation.icmp is None or observation.sender is None:
        return None
    own = observation.sender == model.address.ip
    return "the target's own filter" if own else str(observation.sender)


def _forward_it(verdict: PortVerdict, models: Sequence[AddressModel]) -> str | None:
    fronts = [m for m in models if verdict.conditions.get(m.address.ip) is Condition.NOT_FORWARDED]
    if not fronts or is_private(verdict.port):
        return None
    return f"{_label(verdict.port)} is not forwarded by the router that owns {_where(fronts)}: for the internet, forward it there"


# Most important first.
_RULES: tuple[tuple[int, Rule], ...] = (
    (90, _private_in_public),
    (70, _private_everywhere),
    (60, _published),
    (55, _refused_behind),
    (50, _open_firewall),
    (40, _bind_wider),
    (20, _not_exposed),
    (15, _forward_it),
    (10, _kept_from_public),
)


def for_port(verdict: PortVerdict, models: Sequence[AddressModel]) -> Advice:
    """Everything worth doing about one port."""
    found = [(urgency, line) for urgency, rule in _RULES if (line := rule(verdict, models)) is not None]
    return Advice(tuple(line for _, line in found), max((u for u, _ in found), default=0))


_ADDRESS_ADVICE: dict[Condition, tuple[int, str]] = {
    Condition.HOST_DOWN: (
        80,
        "nobody answers for {ip} on its link: is the machine on, and is the address right?",
    ),
    Condition.NO_ROUTE: (80, "this machine has no route to {ip}: is the VPN or the interface up?"),
    Condition.LOCAL_FIREWALL: (
        80,
        "this machine's own firewall or reverse path filter stops packets to or from {ip}: allow them there",
    ),
    Condition.UNKNOWN: (
        55,
        "nothing at all came back from {ip}: check that the host is up and the path (VPN, route) works",
    ),
    Condition.TUNNEL_DOWN: (
        85,
        "the tunnel to {ip} is down, so nothing is known of it: {doctor} tells why and what mends it",
    ),
    Condition.WRONG_ROUTE: (
        85,
        "packets for {ip} do not take the tunnel, so nothing is known of it: {doctor} tells what mends that",
    ),
    Condition.WRONG_HOST: (
        85,
        "another machine answers at {ip}: is this address the target's, and is no other network in the way?",
    ),
    Condition.HAIRPIN: (
        40,
        "answers for {ip} come straight from the inside: test it from outside, or let the router translate both ways",
    ),
    Condition.INTERCEPTED: (
        65,
        "something on the way to {ip} answers for every port: test from another network",
    ),
}


_LOOK_CLOSER = (
    "nothing at all came back from {ip}, and the tunnel does not show why: {doctor} looks for the cause"
)


def for_address(model: AddressModel, condition: Condition, models: Sequence[AddressModel]) -> Advice:
    """What to do about the path to an address; an unknown one is worth a line where all of it was silent."""
    found = _ADDRESS_ADVICE.get(condition)
    silent = all(said.heard is Heard.SILENT for said in model.evidence.values())
    if found is None or (condition is Condition.UNKNOWN and (model.alive or not silent)):
        return Advice()
    urgency, line = found
    if condition is Condition.UNKNOWN and model.address.realm == Realm.VPN:
        line = _LOOK_CLOSER
    return Advice(
        (line.format(ip=model.address.ip, doctor=doctor_command([m.address for m in models])),), urgency
    )
