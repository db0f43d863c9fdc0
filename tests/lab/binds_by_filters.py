"""Every way to bind under every kind of filter, in worlds of real hosts: what is seen of it, and concluded.

One world a filter: a target with 14 ports, each bound in a way of its own. Filters are meant for the `whole`
host, or for the `tested` ports alone, so that the control ports show the bare host.

Started by the tests as `python tests/lab/binds_by_filters.py --engine raw --reach tested`; enters a namespace
that leads nowhere by starting itself again. Prints a list of objects, one a truth: `bind`, `filter`, what is
true, what was seen (texts that are the same in every run without loss) and what was concluded.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from probe.app.stages import collect
from probe.inference import infer
from probe.lab.netns import enter
from probe.lab.netns import world as netns_world
from probe.lab.netns.layout import Layout, lay_out
from probe.lab.open_world import backends_of, open_world
from probe.lab.scenario import Scenario, address_of, parse_scenario
from probe.model.facts import AddressSurvey
from probe.model.plan import Timing
from probe.model.probing import Header, Observation, Reason, Role
from probe.model.target import IPAddress, Port, Protocol
from probe.model.verdict import PortVerdict

ADDRESSES = ("lan", "vpn", "lan6")
SYMBOLS: Mapping[IPAddress, str] = {address_of(symbol): symbol for symbol in ADDRESSES}
ANY = {"bind": "0.0.0.0"}
FIRST_PORT = 8001
PATIENCE = 0.5  # seconds for one answer: nothing here is further away than a few milliseconds


@dataclass(frozen=True, slots=True)
class FilteredBind:
    """What a port is bound to, in the verdict's words; `bound_to` in symbols."""

    binding: str
    bound_to: tuple[str, ...] = ()


# How a port is bound: its listener (None: none), and the truth.
BINDS: dict[str, tuple[dict[str, Any] | None, FilteredBind]] = {
    "none": (None, FilteredBind("not-listening")),
    "lo4": ({"bind": "127.0.0.1"}, FilteredBind("loopback")),
    "lo6": ({"bind": "::1"}, FilteredBind("loopback")),
    "dev_lo": ({**ANY, "device": "lo"}, FilteredBind("loopback")),
    "any4": (ANY, FilteredBind("wildcard")),
    "dual6": ({"bind": "::"}, FilteredBind("wildcard")),
    "v6only": ({"bind": "::", "v6only": True}, FilteredBind("wildcard")),
    "backlog": ({**ANY, "serves": "full"}, FilteredBind("wildcard")),
    "lan4": ({"bind": "lan"}, FilteredBind("specific", ("lan",))),
    "vpn4": ({"bind": "vpn"}, FilteredBind("specific", ("vpn",))),
    "lan6": ({"bind": "lan6"}, FilteredBind("specific", ("lan6",))),
    "dev_lan": ({**ANY, "device": "lan"}, FilteredBind("specific", ("lan",))),
    "dev_vpn": ({**ANY, "device": "vpn"}, FilteredBind("specific", ("vpn",))),
    "dnat": (None, FilteredBind("wildcard")),  # a forwarding in place of a listener
}
PORTS = dict(zip(BINDS, range(FIRST_PORT, FIRST_PORT + len(BINDS)), strict=True))

FILTERS: dict[str, dict[str, Any] | None] = {
    "none": None,
    "drop": {"action": "drop"},
    "drop_lan": {"action": "drop", "on": ["lan"]},
    "drop_vpn": {"action": "drop", "on": ["vpn"]},
    "rst": {"action": "reset"},
    "rst_vpn": {"action": "reset", "on": ["vpn"]},
    "adm": {"action": "admin-prohibited"},
    "adm_vpn": {"action": "admin-prohibited", "on": ["vpn"]},
    "synonly_drop": {"action": "drop", "segment": "syn"},
    "out_drop": {"action": "drop", "segment": "syn-ack"},
}
REACHES = ("whole", "tested")

# Else the kernel sends six ICMP errors and then one a second (net/ipv4/icmp.c): that is not measured here.
UNRATIONED = (
    ("net.ipv4.icmp_ratelimit", "0"),
    ("net.ipv6.icmp.ratelimit", "0"),
)


@dataclass(frozen=True, slots=True)
class Setting:
    """How a matrix is measured. `loss`: share of packets on each link, one way."""

    engine: str = "connect"
    reach: str = "whole"
    loss: float = 0.0
    bleached: bool = False


def scenario_of(name: str, setting: Setting) -> Scenario:
    """The world of one filter."""
    tested = f"{FIRST_PORT}-{max(PORTS.values())}"
    rule = FILTERS[name]
    narrowed = {"ports": tested} if setting.reach == "tested" else {}
    listen = [{"port": PORTS[bind], **listener} for bind, (listener, _) in BINDS.items() if listener]
    link = {"loss": setting.loss, "bleaches": setting.bleached}
    document = {
        "about": f"Every way to bind under the filter {name}.",
        "addresses": list(ADDRESSES),
        "target": {
            "listen": listen,
            "dnat": [{"port": PORTS["dnat"]}],
            "filter": [{**rule, **narrowed}] if rule else [],
        },
        "links": {"lan": link, "vpn": link},
        "scan": {"ports": tested},
        "expect": {},
    }
    return parse_scenario(name, document)


def unrationed(scenario: Scenario) -> Layout:
    """Lay a world out whose target sends as many ICMP errors as are due."""
    layout = lay_out(scenario)
    target, *others = layout.hosts
    return replace(layout, hosts=(replace(target, settings=target.settings + UNRATIONED), *others))


def measured(name: str, setting: Setting) -> Iterator[dict[str, Any]]:
    """Survey the world of one filter; return what was seen and concluded of each port."""
    with open_world(scenario_of(name, setting), "netns") as world:
        surveys = collect(world.target, Timing(timeout=PATIENCE), backends_of(world, setting.engine)).surveys
    verdicts = {verdict.port: verdict for verdict in infer(surveys).ports}
    for bind, (_, truth) in BINDS.items():
        port = Port(Protocol.TCP, PORTS[bind])
        yield {
            "bind": bind,
            "filter": name,
            "truth": asdict(truth),
            "evidence": sorted(text for one in surveys for text in evidence(one, port)),
            "verdict": described(verdicts[port]),
        }


def evidence(one: AddressSurvey, port: Port) -> Iterator[str]:
    """What was seen of a port on one address."""
    symbol = SYMBOLS[one.address.ip]
    yield f"{symbol} connect: {answer(one.tested()[port])}"
    for trace in one.traces:
        question = trace.observation.question
        if question.port == port and question.role is Role.TESTED:
            way = "" if question.hop is None else f" by {question.hop.interface}"
            ttl = "" if question.ttl is None else f" ttl {question.ttl}"
            yield f"{symbol} {question.shape}{way}{ttl}: {answer(trace.observation)}"


def answer(seen: Observation) -> str:
    """Describe an answer by what is the same in every run."""
    facts = [seen.reason, seen.origin, seen.aftermath, "raw_only" if seen.raw_only else None]
    if seen.reason is not Reason.NO_RESPONSE:
        facts += [f"from {SYMBOLS.get(seen.sender, str(seen.sender))}" if seen.sender else None]
        facts += [f"ttl {seen.ttl}" if seen.ttl is not None else None, *marks(seen.header)]
    return " ".join(str(fact) for fact in facts if fact is not None)


def marks(header: Header | None) -> Iterator[str]:
    """Take of a header what a stack sets: the value of a flow label is chance, not that there is one."""
    if header is not None:
        yield f"tos {header.tos:#x}"
        if header.flow_label is not None:
            yield "labelled" if header.flow_label else "no label"
        if header.interface is not None:
            yield f"on {header.interface}"


def described(verdict: PortVerdict) -> dict[str, Any]:
    """What is concluded, with symbols for addresses."""
    return {
        "binding": verdict.binding,
        "bound_to": symbols(verdict.bound_to),
        "confidence": verdict.confidence,
        "candidates": [[one.binding, symbols(one.bound_to), one.probability] for one in verdict.candidates],
    }


def symbols(addresses: Sequence[IPAddress]) -> list[str]:
    """The symbols of addresses, in the order of the alphabet."""
    return sorted(SYMBOLS[address] for address in addresses)


def read_setting(argv: Sequence[str]) -> Setting:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--engine", choices=("connect", "raw"), default="connect")
    parser.add_argument("--reach", choices=REACHES, default="whole", help="what the filters are meant for")
    parser.add_argument("--loss", type=float, default=0.0, help="share of packets on each link, one way")
    parser.add_argument("--bleached", action="store_true", help="the links set DSCP to 0")
    return Setting(**vars(parser.parse_args(argv)))


if __name__ == "__main__":
    setting = read_setting(sys.argv[1:])
    if not enter.inside():
        sys.exit(enter.reenter((sys.executable, *sys.argv)))
    netns_world.lay_out = unrationed
    json.dump([truth for name in FILTERS for truth in measured(name, setting)], sys.stdout)
