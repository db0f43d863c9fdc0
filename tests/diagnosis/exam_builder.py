"""Exams as tests/cases/causes.yaml has them: this machine, and what was measured on each address."""

from ipaddress import ip_address, ip_interface, ip_network

from survey_builder import OWN, address_named, answer, route_of, survey
from varied import replace

from probe.inference import infer
from probe.lab.scenario import PROBER_ADDRESSES, TARGET_ADDRESSES
from probe.model.binding import Condition
from probe.model.exam import AddressExam, Echo, Hop, InterfaceCounters, MtuTrial, NameAnswer, Transfer
from probe.model.facts import HERE, DeadLink, LinkKind, Neighbour
from probe.model.machine import Chain, Firewall, Hook, Link, Machine, Peer, Tunnel, TunnelKind
from probe.model.probing import Header, NextHop, Question, Reason
from probe.model.target import Port, Protocol
from probe.model.unread import Unread, UnreadRule
from probe.model.verdict import Verdict

PORT = Port(Protocol.TCP, 8000)
KEY, OUR_KEY = "c2VydmVy" * 5 + "AAA=", "bGFwdG9w" * 5 + "AAA="
END = ip_address("198.18.0.10")
AGES = {"fresh": 12.0, "stale": 7200.0, "never": None}
_KINDS = {"vpn": LinkKind.TUNNEL}
_CHAINS = {
    "out": Chain("nft", "inet", "filter", "output", Hook.OUTPUT, ("tcp dport 8000 drop",)),
    "in": Chain("nft", "inet", "filter", "input", Hook.INPUT, ("policy drop",)),
    "out6": Chain("nft", "ip", "filter", "output", Hook.OUTPUT, ("drop",)),
    "legacy": Chain("iptables", "ip", "filter", "INPUT", Hook.INPUT, ("-j DROP",)),
    "legacy6": Chain("ip6tables", "ip6", "filter", "OUTPUT", Hook.OUTPUT, ("-j DROP",)),
}


def machine_of(stated: dict) -> Machine:
    """This machine: links lan, vpn and public, of which vpn is a WireGuard tunnel unless stated otherwise."""
    vpn = stated.get("tunnel", {})
    radio = stated.get("wireless")
    links = [
        *([replace(link("lan"), wireless=radio)] if stated.get("lan", True) else []),
        link("public"),
        *(link(name, of) for name, of in stated.get("claims", {}).items()),
    ]
    tunnels = ()
    if vpn is not None:
        own = link("vpn", up=vpn.get("up", True))
        kind = TunnelKind(vpn.get("kind", "wireguard"))
        tunnels = (Tunnel(own, kind, vpn.get("key", OUR_KEY), peers_of(vpn)),)
        links.append(own)
    if stated.get("second"):
        tunnels = (*tunnels, Tunnel(Link("tun1", LinkKind.TUNNEL, up=True, running=True), TunnelKind.OTHER))
    strict = 1 if stated.get("strict") else 0
    firewall = stated.get("filter", "unread")
    chains = None if firewall == "unread" else tuple(_CHAINS[word] for word in firewall)
    return Machine(
        "linux",
        tuple(replace(one, reverse_path=strict) for one in links),
        tunnels,
        firewall=Firewall(chains, Unread(rule=UnreadRule.NEEDS_ROOT) if chains is None else None),
    )


def link(name: str, of: str | None = None, *, up: bool = True) -> Link:
    """An interface with the prober's addresses of a realm."""
    realm = of or name
    addresses = tuple(
        ip_interface(f"{text}/{24 if '.' in text else 64}")
        for symbol, text in PROBER_ADDRESSES.items()
        if symbol.removesuffix("6") == realm
    )
    kind = LinkKind.ETHERNET if of else _KINDS.get(name, LinkKind.ETHERNET)
    return Link(name, kind, up, up, addresses, 1420)


def peers_of(stated: dict) -> tuple[Peer, ...] | None:
    """The one peer of the tunnel; None where it could not be read."""
    if stated.get("kind", "wireguard") != "wireguard" or stated.get("shake") == "unread":
        return None
    allowed = tuple(map(ip_network, stated.get("allowed", ["10.88.0.10/32", "fd88::10/128"])))
    host = stated.get("endpoint", str(END))
    end = (ip_address(host), 51820) if host is not None else None
    peer = Peer(KEY, allowed, end, AGES[stated.get("shake", "fresh")])
    return (peer,) * stated.get("peers", 1)


def exam_of(symbol: str, stated: dict) -> AddressExam:
    """What was measured on one address."""
    seen = survey(symbol, stated, PORT)
    name = stated.get("name")
    address = replace(seen.address, realm=stated.get("meant", seen.address.realm), name=name)
    route = route_of(symbol, on_link=stated.get("on_link", True))
    if "leaves_by" in stated:
        kinds = {"vpn": LinkKind.TUNNEL, "lo": LinkKind.LOOPBACK}
        kind = kinds.get(stated["leaves_by"], LinkKind.ETHERNET)
        route = replace(route, interface=stated["leaves_by"], kind=kind)
    if stated.get("leaves_by", "") is None:
        route = replace(route, interface=None, kind=None, reachable=False)
    if "dead_link" in stated:
        route = replace(route, dead_link=DeadLink(*stated["dead_link"]))
    if "by_default" in stated:
        route = replace(route, by_default=stated["by_default"], gateway=ip_address("192.168.77.1"))
    if "neighbour" in stated:
        seen = replace(seen, neighbour=Neighbour(stated["neighbour"]))
    seen = replace(seen, address=address, route=route)
    return AddressExam(
        seen,
        echo=echo_of(stated.get("echo"), seen.address.ip),
        passage=passage_of(stated.get("counted"), stated.get("received", 0)),
        port_passage=passage_of(stated.get("port_counted"), 0),
        mtu=trial_of(stated.get("mtu")),
        names=tuple(
            NameAnswer(None if server == "system" else ip_address(server), tuple(map(address_named, gives)))
            for server, gives in stated.get("names", {}).items()
        ),
        endpoint=Reason(stated["end"]) if "end" in stated else None,
        comes_back=back_of(stated.get("back"), symbol),
        link_alive=stated.get("link_alive"),
        answering=tuple(Port(Protocol.TCP, number) for number in stated["answering"])
        if "answering" in stated
        else None,
        hops=tuple(
            Hop(ttl, ip_address(sender) if sender else None)
            for ttl, sender in enumerate(stated["hops_seen"], 1)
        )
        if "hops_seen" in stated
        else None,
    )


def passage_of(stated: list[int] | None, answered: int) -> InterfaceCounters | None:
    """What was sent, received and, if stated, thrown away by the check of the reverse path."""
    if stated is None:
        return None
    sent, received, *drops = stated
    return InterfaceCounters(
        6, sent, received, answered=answered, reverse_path_drops=drops[0] if drops else None
    )


def echo_of(word: str | None, ip: object) -> Echo | None:
    """How ping was answered."""
    if word is None:
        return None
    if word == "refused-here":
        return Echo(Reason.NOT_SENT, 3, refused_here=True)
    reason, _, sender = word.partition("/")
    who = address_named(sender) if sender else ip if reason == "echo-reply" else None
    return Echo(Reason(reason), 3, sender=who)


def trial_of(stated: dict | None) -> MtuTrial | None:
    """What became of data sent through the port."""
    if stated is None:
        return None
    reporter = ip_address(stated["reporter"]) if "reporter" in stated else None
    return MtuTrial(
        PORT,
        Transfer(stated.get("small", "arrived")),
        Transfer(stated["big"]),
        1380,
        1420,
        stated.get("learnt"),
        reporter,
        stated.get("working"),
    )


def back_of(word: str | None, symbol: str) -> object:
    """An opening from this route's source that was handed over the lan link, and its answer."""
    if word is None:
        return None
    hop = NextHop("lan", ip_address(PROBER_ADDRESSES[symbol]), "52:54:00:12:34:56")
    question = Question(ip_address(TARGET_ADDRESSES[symbol]), PORT, hop=hop)
    if word == "nowhere":
        return answer("no-response", question, 2)
    return replace(answer("syn-ack", question), header=Header(interface=word))


def case_of(case: dict) -> tuple[list[AddressExam], Machine, Verdict]:
    """Everything that the diagnosis is given."""
    exams = [exam_of(symbol, stated) for symbol, stated in case["addresses"].items()]
    verdict = infer([exam.survey for exam in exams])
    conditions = {
        (HERE, address_named(symbol)): Condition(word) for symbol, word in case.get("verdict", {}).items()
    }
    ways = {
        address_named(symbol): Condition(word) for symbol, word in case.get("verdict_address", {}).items()
    }
    ports = tuple(replace(port, conditions={**port.conditions, **conditions}) for port in verdict.ports)
    addresses = tuple(replace(a, condition=ways.get(a.address.ip, a.condition)) for a in verdict.addresses)
    return exams, machine_of(case.get("machine", {})), Verdict(addresses, ports)


__all__ = ["OWN", "PORT", "case_of"]
