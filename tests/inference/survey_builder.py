"""Surveys from the cases in tests/cases: the responses that sockets got, and those that raw packets got."""

from collections.abc import Iterator
from ipaddress import ip_address

from msgspec import Struct, to_builtins
from varied import replace

from probe.engine.survey import ask_follow_ups
from probe.lab.scenario import PROBER_ADDRESSES, ROUTER_ADDRESSES, TARGET_ADDRESSES, realm_of
from probe.model.facts import HERE, AddressSurvey, DeadLink, LinkKind, Neighbour, Route, TunnelHealth
from probe.model.measurement import Facts
from probe.model.plan import FollowUp
from probe.model.probing import (
    ICMP_REASONS,
    Aftermath,
    Header,
    NextHop,
    Observation,
    Origin,
    PurposeRule,
    Question,
    Reason,
    Role,
    Shape,
)
from probe.model.target import IPAddress, Port, Protocol, TargetAddress
from probe.model.verdict import PortVerdict, Verdict
from probe.services.port_list import format_port_list
from probe.wire.packet import MARK_TOS

NUMBER, OTHER = 8000, 8001
CONTROLS = (1006, 18233, 61417)
OWN = frozenset(map(ip_address, PROBER_ADDRESSES.values()))
ROUTER = ip_address("198.51.100.1")
SILENT_TRIES, RAW_TRIES = 6, 3
MAC, EVERYBODY = "52:54:00:12:34:56", "ff:ff:ff:ff:ff:ff"
_SYMBOLS = {text: symbol for symbol, text in TARGET_ADDRESSES.items()} | {str(ROUTER): "router"}
NO_PORT = Port(Protocol.TCP, 0)
WINDOW = 64240
KINDS = {"lan": LinkKind.ETHERNET, "vpn": LinkKind.TUNNEL, "public": LinkKind.ETHERNET}

# What a raw answer carries, by IP version: a Linux stack's reset copies the DSCP and labels IPv6 flows,
# what a filter forges has neither, and pf's has a TOS of its own. On a bleached way IPv6 shows the label.
SIGNS: dict[str, dict[int, Header]] = {
    "marked": {4: Header(tos=MARK_TOS), 6: Header(tos=MARK_TOS, flow_label=0x8BD75)},
    "plain": {4: Header(), 6: Header(flow_label=0)},
    "odd": {4: Header(tos=0x10), 6: Header(tos=0x10, flow_label=0)},
    "labelled": {6: Header(flow_label=0x8BD75)},
    "here": {4: Header(interface="lo"), 6: Header(interface="lo")},
    "bare": {4: Header(window=0), 6: Header(window=0, flow_label=0)},
    "usual": {4: Header(window=WINDOW), 6: Header(window=WINDOW, flow_label=0x8BD75)},
}


def address_named(word: str) -> IPAddress:
    """An address by its symbol, or the literal itself."""
    return ip_address(TARGET_ADDRESSES.get(word, word))


def answer(word: str, question: Question, tries: int = 1) -> Observation:
    """The outcome of a question, from `reset@host`, `no-response rationed`, `reset/lan marked`, ..."""
    word, _, sign = word.partition(" ")
    rationed = sign == "rationed"
    word, _, answered = word.partition("~")
    word, _, aftermath = word.partition("+")
    word, _, origin = word.partition("@")
    word, _, sender = word.partition("/")
    reason = Reason(word)
    silent = reason in {Reason.NO_RESPONSE, Reason.NOT_SENT}
    return Observation(
        question,
        reason,
        attempts=tries if reason is Reason.NO_RESPONSE else int(answered or 1),
        answered=None if silent else int(answered or 1),
        rtt=None if silent else 0.01,
        sender=None if silent and not sender else _sender(sender, question.address),
        icmp=(3, 3) if reason in ICMP_REASONS else None,
        origin=Origin(origin) if origin else None,
        aftermath=Aftermath(aftermath) if aftermath else None,
        header=SIGNS[sign][question.address.version] if sign and not rationed else None,
        rationed=rationed,
    )


def _sender(word: str, asked: IPAddress) -> IPAddress:
    places = {"router": ROUTER, "prober": ip_address(PROBER_ADDRESSES["lan"]), "host": asked, "": asked}
    return places[word] if word in places else address_named(word)


def observe(word: str, address: TargetAddress, port: Port, role: Role) -> Observation:
    """What connect() got from a port."""
    return answer(word, Question(address.ip, port, role), SILENT_TRIES)


def words_of(word: str | list[str]) -> list[str]:
    """The response of each control: one word stands for all of them."""
    return word if isinstance(word, list) else [word] * len(CONTROLS)


def survey(symbol: str, case: dict, port: Port) -> AddressSurvey:
    """One address as a case describes it."""
    address = TargetAddress(ip_address(TARGET_ADDRESSES[symbol]), realm_of(symbol))
    observations = [
        observe(word, address, Port(Protocol.TCP, number), Role.CONTROL)
        for number, word in zip(CONTROLS, words_of(case["controls"]), strict=True)
    ]
    for key, asked in (("port", port), ("also", Port(Protocol.TCP, OTHER))):
        if key in case:
            observations.append(observe(case[key], address, asked, Role.TESTED))
    if "canary" in case:
        observations.append(observe(case["canary"], address, Port(Protocol.TCP, CONTROLS[0]), Role.CANARY))
    for key, asked in (("again", port), ("controls_again", Port(Protocol.TCP, CONTROLS[0]))):
        if key in case:
            observations.append(observe(case[key], address, asked, Role.REPEAT))
    by_sockets = AddressSurvey(
        address,
        tuple(observations),
        route=route_described(symbol, case),
        hops=case.get("hops"),
        neighbour=Neighbour(case["neighbour"]) if "neighbour" in case else None,
        own_addresses=OWN,
        link_address=MAC if case.get("near") else None,
        tunnel=TunnelHealth(case["tunnel"]) if "tunnel" in case else None,
        tunnel_name="wg0" if "tunnel" in case else None,
    )
    return with_raw(by_sockets, list(raw_answers(symbol, case.get("raw", {}), port)))


def route_of(symbol: str, *, on_link: bool) -> Route:
    """The route to an address: every realm has a link of its own."""
    realm, source = realm_of(symbol), ip_address(PROBER_ADDRESSES[symbol])
    return Route(
        address_named(symbol), source=source, interface=realm, kind=KINDS[realm], mtu=1500, on_link=on_link
    )


def route_described(symbol: str, case: dict) -> Route:
    """The route of a case: the realm's own, `by` another realm's link or loopback, or none at all."""
    by = case.get("by")
    if by == "no route":
        return Route(address_named(symbol), reachable=False)
    if by == "lo":
        ip = address_named(symbol)
        return Route(ip, source=ip, interface="lo", kind=LinkKind.LOOPBACK, mtu=65536, on_link=True)
    route = route_of(by or symbol, on_link=case.get("on_link", True))
    if "dead_link" in case:
        route = replace(route, dead_link=DeadLink(*case["dead_link"]))
    if "by_default" in case:
        route = replace(route, by_default=case["by_default"], gateway=ip_address(ROUTER_ADDRESSES["public"]))
    return replace(route, destination=address_named(symbol))


def with_raw(before: AddressSurvey, answers: list[Observation]) -> AddressSurvey:
    """The survey after a round of raw follow-ups that brought these answers."""
    if not answers:
        return before
    script = ask_follow_ups(before, [FollowUp(o.question, PurposeRule.WHOSE_RESET) for o in answers])
    next(script)
    try:
        script.send({o.question: o for o in answers})
    except StopIteration as end:
        return end.value
    raise AssertionError("a round of follow-ups is one step")


def raw_answers(symbol: str, case: dict, port: Port) -> Iterator[Observation]:
    """What raw packets brought: see the head of tests/cases/raw.yaml."""
    ip = address_named(symbol)
    for key, word in case.items():
        name, _, subject = key.partition(" ")
        for question, response in RAW[name](ip, subject, word, port):
            signed = " " in response or response == Reason.NO_RESPONSE
            yield answer(response if signed else f"{response} usual", question, RAW_TRIES)


Asked = Iterator[tuple[Question, str]]


def _of_port(ip: IPAddress, subject: str, word: str, port: Port, shape: Shape = Shape.OPENING) -> Asked:
    asked = {"": port, "also": Port(Protocol.TCP, OTHER)}[subject]
    yield Question(ip, asked, shape=shape), word


def _of_controls(
    ip: IPAddress, subject: str, word: str | list[str], port: Port, shape: Shape = Shape.OPENING
) -> Asked:
    for number, response in zip(CONTROLS, words_of(word), strict=True):
        yield Question(ip, Port(Protocol.TCP, number), Role.CONTROL, shape=shape), response


def _of_segment(shape: Shape):
    def ask(ip: IPAddress, subject: str, word: str, port: Port) -> Asked:
        if subject == "controls":
            return _of_controls(ip, subject, word, port, shape)
        return _of_port(ip, subject, word, port, shape)

    return ask


def _of_echo(ip: IPAddress, subject: str, word: str, port: Port) -> Asked:
    response = "no-response" if word == "silent" else f"echo-reply {word}"
    yield Question(ip, NO_PORT, Role.CONTROL, shape=Shape.ECHO), response


def hop_by(ip: IPAddress, link_address: str = MAC) -> NextHop:
    """The way to hand a frame to the neighbour that has this address."""
    symbol = next(symbol for symbol, text in TARGET_ADDRESSES.items() if ip_address(text) == ip)
    return NextHop(realm_of(symbol), ip_address(PROBER_ADDRESSES[symbol]), link_address)


def _of_frame(ip: IPAddress, subject: str, word: str, port: Port) -> Asked:
    yield Question(address_named(subject), port, ttl=1, hop=hop_by(ip)), word


def _of_longer_frame(ip: IPAddress, subject: str, word: str, port: Port) -> Asked:
    yield Question(address_named(subject), port, ttl=2, hop=hop_by(ip)), word


def _of_claim(ip: IPAddress, subject: str, word: str, port: Port) -> Asked:
    yield (
        Question(
            address_named(subject), NO_PORT, Role.CONTROL, shape=Shape.WHO_HAS, hop=hop_by(ip, EVERYBODY)
        ),
        word,
    )


def _of_control_frame(ip: IPAddress, subject: str, word: str, port: Port) -> Asked:
    control = Port(Protocol.TCP, CONTROLS[0])
    goal = address_named(subject.removeprefix("for "))
    yield Question(goal, control, Role.CONTROL, ttl=1, hop=hop_by(ip)), word


RAW = {
    "control": _of_control_frame,
    "syn": _of_port,
    "controls": _of_controls,
    "echo": _of_echo,
    "ack": _of_segment(Shape.ACK),
    "fin": _of_segment(Shape.FIN),
    "frame": _of_frame,
    "further": _of_longer_frame,
    "arp": _of_claim,
}


def port_of(case: dict) -> Port:
    """The port that a case is about."""
    return Port(Protocol(case.get("protocol", "tcp")), case.get("number", NUMBER))


def surveys_of(case: dict) -> list[AddressSurvey]:
    """The addresses of a case."""
    port = port_of(case)
    return [survey(symbol, case, port) for symbol, case in case.items() if symbol in TARGET_ADDRESSES]


def stated_in(case: dict) -> Facts:
    """What the user states: the port is asked for by its number, and runs where the case says so."""
    named = format_port_list([port_of(case)])
    return Facts(running=named if case.get("running") else "", named=named)


def stated(*running: Port, strict: bool = False) -> Facts:
    """Ports that the user knows to run."""
    return Facts(running=format_port_list(sorted(running)), strict=strict)


def without_raw(one: AddressSurvey) -> AddressSurvey:
    """An address as sockets alone show it."""
    return replace(one, traces=())


def _by_symbol(value: object) -> object:
    """An argument of a rule as cases write it: addresses by their symbols."""
    if isinstance(value, (list, tuple)):
        return [_by_symbol(one) for one in value]
    return _SYMBOLS.get(value, value) if isinstance(value, str) else value


def matches(found: Struct, asked: dict) -> bool:
    """Whether a value has the rule and the arguments that a case names."""
    has = {key: _by_symbol(value) for key, value in to_builtins(found).items()}
    return all(has.get(key) == value for key, value in asked.items())


def expected_rules(case: dict, found: PortVerdict, verdict: Verdict) -> None:
    """Every rule that the case asks for is there with its arguments, and none that it forbids."""
    values = {
        "evidence": found.evidence,
        "advice": found.advice,
        "next": found.next_tests,
        "rivals": found.rivals,
        "address_evidence": [one for a in verdict.addresses for one in a.evidence],
        "address_advice": [one for a in verdict.addresses for one in a.advice],
    }
    for key, has in values.items():
        for asked in case.get(key, ()):
            assert any(matches(one, asked) for one in has), (key, asked, has)
    for asked in case.get("absent", ()):
        everything = (*found.evidence, *found.rivals, *found.advice)
        assert not any(matches(one, asked) for one in everything), asked


def expected_conditions(case: dict, found: PortVerdict, verdict: Verdict) -> None:
    """The port and the addresses are in the condition that the case names."""
    for symbol, condition in case.get("conditions", {}).items():
        assert found.conditions[HERE, address_named(symbol)] == condition, symbol
    by_address = {a.address.ip: a for a in verdict.addresses}
    for symbol, condition in case.get("addresses", {}).items():
        assert by_address[address_named(symbol)].condition == condition, symbol
