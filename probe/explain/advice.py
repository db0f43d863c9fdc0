"""Advice in words: what to bind, which firewall to open, what should not be reachable at all."""

from collections.abc import Mapping

from probe.explain.phrases import access_list, listed
from probe.explain.subject import Places, Subject
from probe.model.advice import Advice, AdviceRule

_FOR_LOOPBACK = "; to serve {where}, bind or publish it there"
_IF_MEANT = "if others should reach it, open it in the firewall"
OF_PORT: Mapping[AdviceRule, str] = {
    AdviceRule.PRIVATE_ON_PUBLIC: (
        "{port} is open on the public address {where}: bind it to a private address, or firewall it"
    ),
    AdviceRule.PRIVATE_PUBLISHED: (
        "{port} is open on the public address {where}: publish it on a private address instead"
    ),
    AdviceRule.PRIVATE_EVERYWHERE: (
        "{port} listens on all interfaces: bind it to 127.0.0.1 or to one address, or firewall it"
    ),
    AdviceRule.PRIVATE_REACHABLE: (
        "{port} is open at {where}: bind it to 127.0.0.1, or limit who reaches it by a firewall"
    ),
    AdviceRule.PUBLISHED_PAST_FIREWALL: (
        "{port} is forwarded at {where}, past the host's own rules (ufw): use -p 127.0.0.1:PORT:PORT, or filter in DOCKER-USER"
    ),
    AdviceRule.FORWARDED_TO_NOTHING: (
        "{port} is forwarded at {where} and refused behind it: start the service, or correct the inner port"
    ),
    AdviceRule.FORWARDED_UNANSWERED: (
        "{port} is forwarded at {where}, unanswered: check the container's default route and forward chain"
    ),
    AdviceRule.ALLOW_REJECTED: "{port} is rejected at {where} by {sender}: allow it in the firewall there",
    AdviceRule.OPEN_FIREWALL: "{port} is blocked at {where}: " + _IF_MEANT,
    AdviceRule.OPEN_FIREWALL_AND_PUBLISH: (
        "{port} is blocked at {where}: if others should reach it, publish it there and open the firewall"
    ),
    AdviceRule.BIND_WIDER: "{port} is bound to {bound_to} only: to reach it at {where}, bind it there too",
    AdviceRule.PUBLISH_WIDER: (
        "{port} is forwarded on {bound_to} only: to reach it at {where}, publish it there too"
    ),
    AdviceRule.FORWARDED_BY_ROUTER: (
        "the router at {bound_to} forwards {label} to this or another host: at {where}, use the port behind it"
    ),
    AdviceRule.BOUND_TO_LOOPBACK: ("{port} runs, on loopback or an address not probed" + _FOR_LOOPBACK),
    AdviceRule.PERHAPS_BOUND_TO_LOOPBACK: (
        "{port} is closed: start it, or if it runs, bind it to {where} or publish it there (docker run -p)"
    ),
    AdviceRule.TURNED_AWAY: ("{port} at {where} turns this machine away: see {access}"),
    AdviceRule.FORWARD_PORT: (
        "{port} is not forwarded by the router at {where}: forward it if the internet should reach it"
    ),
    AdviceRule.KEPT_FROM_PUBLIC: (
        "{port} is blocked at {where} by {sender}: nothing to do, unless the internet should reach it"
    ),
}
OF_ADDRESS: Mapping[AdviceRule, str] = {
    AdviceRule.HOST_DOWN: "no host answers at {where} on its link: is it on, and is the address right?",
    AdviceRule.LINK_DOWN: "this machine's link to {where} is down: plug it in, or switch it on",
    AdviceRule.OFF_NETWORK: (
        "{where} is private and on no network of this machine: join that network, or use a public address"
    ),
    AdviceRule.NO_ROUTE: "this machine has no route to {where}: is the VPN or the interface up?",
    AdviceRule.LOCAL_FIREWALL: (
        "this machine's own firewall or reverse path filter stops packets to or from {where}: allow them"
    ),
    AdviceRule.NOTHING_CAME_BACK: (
        "no answer from {where}: is the host up, and do its firewall and the path let probes in?"
    ),
    AdviceRule.LOOK_FOR_THE_CAUSE: (
        "no answer from {where} through the tunnel: `{command}` looks for the cause"
    ),
    AdviceRule.TUNNEL_DOWN: "the tunnel to {where} is down: `{command}` shows why and what mends it",
    AdviceRule.WRONG_ROUTE: "packets for {where} do not take the tunnel: `{command}` shows what mends that",
    AdviceRule.WRONG_HOST: (
        "another machine answers at {where}: is this the target's address, or does another network overlap?"
    ),
    AdviceRule.HAIRPIN: (
        "answers for {where} come straight from inside: test from outside, or set up hairpin NAT on the router"
    ),
    AdviceRule.PROBE_FROM_ELSEWHERE: (
        "{where} is this machine's own address: probe it from another machine to see what others reach"
    ),
    AdviceRule.INTERCEPTED: (
        "something on the way to {where} answers for every port: test from another network"
    ),
}
_BY_THE_DOCTOR = frozenset({AdviceRule.LOOK_FOR_THE_CAUSE, AdviceRule.TUNNEL_DOWN, AdviceRule.WRONG_ROUTE})


def port_advice(advice: Advice, subject: Subject) -> str:
    """What to do about a port, as a sentence."""
    return OF_PORT[advice.rule].format(
        port=subject.title,
        label=subject.label,
        where=listed(advice.addresses) if advice.addresses else "",
        bound_to=listed(advice.bound_to) if advice.bound_to else "",
        sender=_sender(advice),
        access=access_list(subject.service),
    )


def _sender(advice: Advice) -> str:
    """Who keeps the port from the address."""
    if advice.sender is None:
        return "a filter"
    return "the target's own filter" if advice.sender == advice.addresses[0] else advice.sender


def address_command(advice: Advice, places: Places) -> str | None:
    """The command that looks for the cause; None where there is none."""
    return places.doctor_command() if advice.rule in _BY_THE_DOCTOR else None


def address_advice(advice: Advice, command: str | None) -> str:
    """What to do about the path to an address, as a sentence."""
    return OF_ADDRESS[advice.rule].format(where=listed(advice.addresses), command=command)
