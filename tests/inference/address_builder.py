"""Surveys of addresses as tests describe them: neighbours, raw answers, keys."""

from ipaddress import ip_address

from probe.model.facts import AddressSurvey, Route, Trace
from probe.model.greeting import Greeting
from probe.model.identity import Key, KeyKind
from probe.model.probing import Header, NextHop, Observation, PurposeRule, Question, Reason, Shape
from probe.model.target import Port, Protocol, TargetAddress

LAN, LAN6, VPN, PUBLIC = map(ip_address, ("192.168.77.10", "fd77::10", "10.88.0.10", "203.0.113.10"))
PROBER, CONTAINER = map(ip_address, ("192.168.77.2", "172.31.0.2"))
REALMS = {LAN: "lan", LAN6: "lan", VPN: "vpn", PUBLIC: "public"}
MAC, OTHER_MAC = "52:54:00:12:34:56", "52:54:00:65:43:21"
TO_LAN = NextHop("eth0", PROBER, MAC)
SSH, HTTPS, DNS = Port(Protocol.TCP, 22), Port(Protocol.TCP, 443), Port(Protocol.UDP, 53)


def survey(ip, *, link=None, interface="eth0", **facts) -> AddressSurvey:
    """One address; with `link` a neighbour on an interface."""
    route = Route(ip, interface=interface, on_link=link is not None)
    given = {"route": route, "link_address": link, "own_addresses": frozenset({PROBER}), **facts}
    return AddressSurvey(TargetAddress(ip, REALMS[ip]), given.pop("observations", ()), **given)


def trace(ip, reason, sender=None, **asked) -> Trace:
    """What one raw packet brought; without `hop` and `ttl` it went the usual way."""
    port, link = asked.pop("port", SSH), asked.pop("link", None)
    question = Question(ip, port, **asked)
    header = Header(interface="eth0", link_address=link)
    return Trace(Observation(question, reason, 1, sender=sender, header=header), PurposeRule.WHOSE_RESET)


def frame(reason, sender, **asked) -> Trace:
    """A packet for the VPN address, handed to the LAN neighbour."""
    return trace(VPN, reason, sender, **{"hop": TO_LAN, "ttl": 1, **asked})


def who_has(link, *, hop=TO_LAN) -> Trace:
    """An ARP answer for the VPN address on the LAN's link."""
    reason = Reason.NO_RESPONSE if link is None else Reason.ARP_RESPONSE
    return trace(VPN, reason, None, shape=Shape.WHO_HAS, port=Port(Protocol.TCP, 0), hop=hop, link=link)


def ssh(*fingerprints, port=SSH) -> dict:
    """Host keys of several types."""
    types = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa")
    keys = tuple(
        Key(KeyKind.SSH, kind, text) for kind, text in zip(types, fingerprints, strict=False) if text
    )
    return {port: keys}


def tls(fingerprint, port=HTTPS, public_key=None) -> dict:
    """A certificate."""
    return {port: (Key(KeyKind.TLS, "x509", fingerprint, public_key),)}


def opened(ip, port=SSH, *, origin=None, ttl=None) -> Observation:
    """An open port, and which box answered on it."""
    return Observation(Question(ip, port), Reason.SYN_ACK, 1, 1, sender=ip, origin=origin, ttl=ttl)


def two(lan: dict, vpn: dict) -> list[AddressSurvey]:
    """The LAN address, a neighbour, and the VPN address."""
    return [survey(LAN, **{"link": MAC, **lan}), survey(VPN, **{"interface": "wg0", **vpn})]


def traced(*traces: Trace, **lan) -> list[AddressSurvey]:
    """The LAN address, from whose link raw packets to the VPN address were sent, and that."""
    return two({"traces": traces, **lan}, {})


def greeting(text, port=HTTPS, **more) -> dict:
    """What a service sent on a port."""
    return {port: Greeting(text, **more)}


def web(status=200, port=HTTPS, *, tls=False, **headers) -> dict:
    """An HTTP answer; `content_type` is the header content-type."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return greeting(f"HTTP/1.1 {status}", port, status=status, headers=fields, tls=tls)
