"""Advice in words: what to bind, which firewall to open, what should not be reachable at all."""

from collections.abc import Mapping

from probe.explain.phrases import access_list, listed
from probe.explain.subject import Places, Subject
from probe.model.advice import Advice, AdviceRule

_FOR_LOOPBACK = " to serve {where}, bind it to that address, or publish it there (docker run -p)"
OF_PORT: Mapping[AdviceRule, str] = {
    AdviceRule.PRIVATE_ON_PUBLIC: (
        "{port} answers on the public address {where}: bind it to 127.0.0.1 or to the one address that its clients"
        " use, or close it in the firewall of the public interface"
    ),
    AdviceRule.PRIVATE_PUBLISHED: (
        "{port} answers on the public address {where}: publish it on 127.0.0.1 or on the one address that its"
        " clients use"
    ),
    AdviceRule.PRIVATE_EVERYWHERE: (
        "{port} listens on all interfaces: bind it to 127.0.0.1 or to the one address that its clients use, or let a"
        " firewall limit who reaches it"
    ),
    AdviceRule.PUBLISHED_PAST_FIREWALL: (
        "{port} is forwarded by {where} into a container or to another host, as Docker publishes ports: rules in the"
        " host's input chain (ufw) do not cover it; publish it on one address, for example -p 127.0.0.1:PORT:PORT, or"
        " limit it in the chain DOCKER-USER"
    ),
    AdviceRule.FORWARDED_TO_NOTHING: (
        "{port} is forwarded by {where} to something that refuses it: start the service there, or correct the port"
        " inside to which it is published"
    ),
    AdviceRule.FORWARDED_UNANSWERED: (
        "{port} is passed on by {where} into a container or to another host, and no answer comes back: see that its"
        " answers leave by this host (the container's default route, no VPN of its own), and that no rule of the forward"
        " chain drops them"
    ),
    AdviceRule.ALLOW_REJECTED: "{port} is rejected at {where} by {sender}: allow it in the firewall there",
    AdviceRule.OPEN_FIREWALL: (
        "{port} is blocked at {where}: to allow it, open {label} in the firewall that guards that address"
    ),
    AdviceRule.OPEN_FIREWALL_AND_PUBLISH: (
        "{port} is blocked at {where}: to allow it, open {label} in the firewall that guards that address, and publish"
        " it there"
    ),
    AdviceRule.BIND_WIDER: (
        "{port} is bound to {bound_to} only: to reach it at {where}, bind it to that address too, or to all interfaces"
        " and let a firewall limit who reaches it"
    ),
    AdviceRule.PUBLISH_WIDER: (
        "{port} is forwarded on {bound_to} only: to reach it at {where}, publish it there too"
    ),
    AdviceRule.BOUND_TO_LOOPBACK: (
        "{port} runs, and no probed address reaches it: it is bound to loopback, or to an address that was not probed;"
        + _FOR_LOOPBACK
    ),
    AdviceRule.PERHAPS_BOUND_TO_LOOPBACK: (
        "{port} is not reachable: if it runs, it is bound to loopback or to an address that was not probed;"
        + _FOR_LOOPBACK
    ),
    AdviceRule.TURNED_AWAY: (
        "{port} is reached at {where}, and the program itself refuses this machine there: the network is well; look at"
        " {access}"
    ),
    AdviceRule.FORWARD_PORT: (
        "{port} is not forwarded by the router that owns {where}: for the internet, forward it there"
    ),
    AdviceRule.KEPT_FROM_PUBLIC: (
        "{port} is kept from the public address {where} by {sender}: nothing to do, unless it is meant for the"
        " internet"
    ),
}
OF_ADDRESS: Mapping[AdviceRule, str] = {
    AdviceRule.HOST_DOWN: (
        "nobody answers for {where} on its link: is the machine on, and is the address right?"
    ),
    AdviceRule.LINK_DOWN: (
        "the link of this machine that leads to {where} is down, so nothing is known of it: plug it in, or switch it on"
    ),
    AdviceRule.OFF_NETWORK: (
        "{where} is a private address, and no link of this machine leads to its network: connect to that network or to"
        " its VPN, or use a public address"
    ),
    AdviceRule.NO_ROUTE: "this machine has no route to {where}: is the VPN or the interface up?",
    AdviceRule.LOCAL_FIREWALL: (
        "this machine's own firewall or reverse path filter stops packets to or from {where}: allow them there"
    ),
    AdviceRule.NOTHING_CAME_BACK: (
        "nothing at all came back from {where}: check that the host is up and the path (VPN, route) works"
    ),
    AdviceRule.LOOK_FOR_THE_CAUSE: (
        "nothing at all came back from {where}, and the tunnel does not show why: `{command}` looks for the cause"
    ),
    AdviceRule.TUNNEL_DOWN: (
        "the tunnel to {where} is down, so nothing is known of it: `{command}` shows why and what mends it"
    ),
    AdviceRule.WRONG_ROUTE: (
        "packets for {where} do not take the tunnel, so nothing is known of it: `{command}` shows what mends that"
    ),
    AdviceRule.WRONG_HOST: (
        "another machine answers at {where}: is this address the target's, and is no other network in the way?"
    ),
    AdviceRule.HAIRPIN: (
        "answers for {where} come straight from the inside: test it from outside, or let the router translate both"
        " ways"
    ),
    AdviceRule.PROBE_FROM_ELSEWHERE: (
        "{where} is this machine's own address, so no firewall was met: probe it from another machine to see what"
        " others reach"
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
