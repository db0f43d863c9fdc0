"""The JSON Schemas of the reports (draft 2020-12), made from the models themselves.

A field that means the same wherever it stands is described once; what is special about it in one place is in
the table of that place. A description names units, and what null stands for.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from probe.model.difference import DIFF_SCHEMA, DiffReport
from probe.model.doctor_report import DOCTOR_SCHEMA, DoctorReport
from probe.model.machine import InterfaceAddress, Network
from probe.model.report import SCHEMA, Report
from probe.model.target import IPAddress
from probe.model.watching import WATCH_SCHEMA, WatchEvent
from probe.report.measurement_descriptions import MEASUREMENTS

_EVERYWHERE: Mapping[str, str] = {
    "address": "An address of the target, IPv4 or IPv6, as text.",
    "addresses": "The addresses that this holds for, in the order of the target's addresses.",
    "advice": "What to do, the most important first.",
    "attempts": "Tries that were made.",
    "binding": "What the port's socket is bound to.",
    "bound_to": "The addresses that a specific socket is bound to; empty for every other binding.",
    "condition": "Condition of the path to the address, or of one port on it.",
    "evidence": "What was seen, and what it is compared with.",
    "hops": "Distance of the address in hops, 1 on the link; null: not measured.",
    "interface": "The interface of this machine by which packets leave; null: not known.",
    "link_address": "Link-layer (MAC) address; null: not known.",
    "name": "What it is called; null: it has no name.",
    "ports": "Ports, as ranges.",
    "probability": "Probability, 0 to 1.",
    "probes": "The raw packets that were sent about it; null: none could be sent.",
    "protocol": "Transport protocol.",
    "realm": "Where the address is reached: lan, vpn, public, loopback, or a name of the user's own.",
    "reason": "What the answer was, in the words of nmap; no-response: none came.",
    "reply_ttl": "TTL or hop limit with which an answer arrived; null: not measured.",
    "rtt_ms": "Round-trip time in milliseconds; null: not measured.",
    "rule": "Which of the documented rules this is; a closed list.",
    "sender": "The address that sent the answer, where it is known.",
    "service": "Customary name of the service; null: it has none.",
    "state": "State of the port as it was seen; null: not measured.",
    "text": "The same as an English sentence, made last and of nothing but the other fields.",
    "ttl": "TTL or hop limit; null: not measured, or the system's default.",
    "vantage": "Name of the machine that it was seen from; null: there is one.",
    "raw_only": "True: raw packets received this answer, sockets waited for it in vain; null: no such thing.",
}

_VERDICT: Mapping[str, str] = {
    "bound_by": "Whether a specific socket is bound to its addresses or to their device; null: not known.",
    "families": "IP versions of the binding, as far as they were seen.",
    "via": "Who accepts at an open port; several: different services on different addresses.",
    "confidence": "Summed probability of the candidates that the binding names; 0 for undetermined.",
    "candidates": "The bindings that the answers leave possible, most probable first; they sum to 1.",
    "why": "One line: which answer came from where; an open question with its likeliest explanations.",
    "exposed_on": "Addresses on which the port is open.",
    "rivals": "What was not excluded, most probable first.",
    "next_tests": "What would decide between the candidates that are left.",
    "observations": "The answer of each address.",
    "services": "The services behind the port; null: nothing was shown that could be compared.",
    "truth": "What the target's own list of sockets shows; null: it does not show it; absent: there is none.",
    "outcome": "How the verdict from outside compares with that list; absent: there is none.",
}
_OF: Mapping[str, Mapping[str, str]] = {
    "Report": {
        "schema": "Name and version of this format.",
        "version": "Version of bindprobe.",
        "started": "Start of the scan, UTC (RFC 3339).",
        "elapsed_s": "Duration of the scan in seconds.",
        "engine": "What it probed with: connect, or raw where raw packets could be sent too.",
        "vantage": "Where the scan was made from.",
        "complete": "False: it was interrupted, and what is missing was not measured.",
        "addresses": "The addresses of the target, in the order in which they were given.",
        "ports": "Each port with its verdict; in a large scan those that stand out.",
        "rest": "The other ports of a large scan: those that share verdict and answers, together.",
        "stats": "What the scan cost; null: not counted.",
        "facts": "What the user stated, or got from the target.",
        "measurements": "All that was measured and nothing that was concluded, one for each vantage.",
    },
    "Vantage": {"name": "Name of the machine that scanned."},
    "AddressReport": {
        "family": "IP version, 4 or 6.",
        "name": "The name that this address was looked up by; null: it was given as an address.",
        "source": "The address of this machine that packets leave from; null: not known.",
        "mtu": "MTU of the route in bytes; null: not known.",
        "owner": "Who answers there; unknown: nothing answered, or it is not clear who does.",
        "path": "Routers that answered on the way, in order of distance.",
        "tunnel": "Health of the tunnel that leads there; null: no tunnel, or the address answered.",
    },
    "AddressEvidence": {
        "controls": "How many ports that nothing uses gave each answer.",
        "tunnel": "Name of the tunnel's interface.",
        "gateway": "The next router on the route.",
        "probability": "Probability of the owner that the rule names, 0 to 1.",
        "loss": "Share of tries that stayed unanswered before an answer came, 0 to 1.",
        "addresses": "The other addresses beside which the claim holds.",
        "claim": "The sign that shows which machine answers.",
    },
    "AliasClaim": {
        "sign": "Which sign of one machine or of several.",
        "about": "The address that was asked, or first compared, where the two sides differ.",
        "beside": "The other address, where the two sides differ.",
        "realm": "Realm of the link on which a frame was handed over.",
        "reason": "How a frame was turned away.",
        "ports": "The ports that show it.",
        "link_address": "The link-layer address that shows it.",
        "ttls": "The TTLs that the two stacks start with, the lower first.",
        "services": "What services call themselves: on `about`, on `beside`.",
    },
    "Advice": {
        "severity": "How much it matters.",
        "addresses": "The addresses that it is about.",
        "bound_to": "The addresses that the service is bound to.",
        "sender": "Who rejects; the address itself where its own filter does.",
        "exposed_on": "Addresses on which the port is open.",
        "command": "A command that mends it or looks for the cause; absent: there is none.",
    },
    "ProbeReport": {
        "address": "The destination that the packet had.",
        "probe": "Shape of the packet.",
        "port": "Port of a control; null: the port that this stands with, or none.",
        "protocol": "Protocol of a control's port; null: as for `port`.",
        "through": "The interface by which it was handed over, whatever the routes are; null: it was routed.",
        "handed_to": "Link-layer address of the neighbour that it was handed to.",
        "why": "The doubt that it was sent to end.",
        "tos": "TOS or traffic class of the answer; null: no answer.",
        "flow_label": "Flow label of an IPv6 answer; null: none.",
        "window": "TCP window of the answer; null: none.",
        "link_address": "Link-layer address that the answer came from; null: not known.",
    },
    "PortReport": {
        **_VERDICT,
        "port": "Number of the port.",
        "private": "Whether this service should normally not be reachable from outside.",
    },
    "RestReport": {**_VERDICT, "ports": "The ports of the group, as ranges."},
    "PortEvidence": {
        "later": "What it answered when it was asked again, where that is not what it answered at first.",
        "tries": "Tries that stayed unanswered.",
        "controls": "How many ports that nothing uses it is compared with.",
        "origin": "Which box answered, where that was looked into.",
        "condition": "Why it counts for nothing: no probe reached the address.",
        "destination": "The address that a frame was for.",
        "hop": "The furthest hop that openings reached.",
        "beside": "The addresses that `addresses` are compared with.",
        "service": "What the service calls itself on `addresses`.",
        "other_service": "What the service calls itself on `beside`.",
        "proofs": "What the addresses have in common.",
        "probe": "The kind of packet.",
        "response": "What came back to it.",
        "option": "The option with which the user stated it, or the tool that listed it.",
        "bindings": "The bindings that this leaves.",
        "lines": "The lines of the target's own list of sockets that show it.",
        "contradiction": "Why the answers are others than the listed socket's, most likely.",
    },
    "NextTest": {"command": "The command to run; absent: there is none."},
    "Rival": {"binding": "The binding, where the rival is a candidate."},
    "ObservationReport": {
        "icmp": "Type and code of an ICMP error; null: it was none.",
        "origin": "Which box answered: the host, a nearer one, or one behind; null: not looked into.",
        "aftermath": "What an accepted connection did next; null: not watched.",
        "tcp": "What the kernel knows of an accepted connection; null: not read.",
        "reading": "The rule by which this answer was read; null: none.",
        "greeting": "What the service sent of itself; null: not asked, or nothing came.",
        "keys": "The keys that the service showed; null: not asked, or none was shown.",
    },
    "Reading": {"response": "What the answer amounts to."},
    "Served": {
        "name": "What the service calls itself; null: nothing.",
        "by": "What its addresses have in common; empty where it has one.",
        "other_than": "Addresses on which another service answers.",
    },
    "ListedBinding": {
        "families": "IP versions that the socket takes.",
        "device": "The interface that it is bound to (SO_BINDTODEVICE); absent: none.",
        "process": "The program that listens; absent: not listed.",
        "pid": "Its process; absent: not listed.",
        "container": "The container that the port is published for; absent: none.",
        "tool": "What listed it; absent: nothing did, and so nothing listens.",
        "lines": "What was listed, as it stands there.",
    },
    **MEASUREMENTS,
    "DiffReport": {
        "old": "Start of the earlier scan, UTC (RFC 3339).",
        "new": "Start of the later scan, UTC (RFC 3339).",
        "differences": "All that changed; empty: nothing did.",
        "only_old": "Addresses and ports that only the earlier report has: they are not compared.",
        "only_new": "The same of the later report.",
    },
    "Difference": {
        "port": "Number of the port; null: it is about the addresses themselves.",
        "private": "Whether the service should normally not be reachable from outside.",
        "addresses": "The addresses on which it changed; empty: the port's binding did.",
        "before": "State, binding, keys, condition or owner by the earlier report.",
        "after": "The same by the later report.",
    },
    "WatchEvent": {
        "time": "When the scan began that found it, UTC (RFC 3339).",
        "kind": "A change, the begin of a gap in which nothing could be measured, or its end.",
        "difference": "What changed; null: it is about a gap.",
        "why": "Why nothing was measured; null: something was.",
    },
    "Stats": {
        "sent": "Probes sent, resent ones included.",
        "answered": "Probes that were answered.",
        "resent": "Probes that were sent again.",
        "rate_reached": "Probes per second.",
    },
}


def description(struct: str, field: str) -> str | None:
    """What a field of a report's struct means; None for one that is not described."""
    return _OF.get(struct, {}).get(field) or _EVERYWHERE.get(field)


# What is a text in JSON, and what that is.
_TEXTS: Mapping[object, str] = {
    IPAddress: "An IPv4 or IPv6 address.",
    Network: "An IPv4 or IPv6 network, as 10.88.0.0/24.",
    InterfaceAddress: "An address with the length of its network's prefix, as 10.88.0.2/24.",
}


def report_schema() -> dict[str, Any]:
    """The schema that every report of a scan meets."""
    return _schema(Report, SCHEMA)


def doctor_schema() -> dict[str, Any]:
    """The schema that every report of the doctor meets."""
    return _schema(DoctorReport, DOCTOR_SCHEMA)


def diff_schema() -> dict[str, Any]:
    """The schema that every comparison of two reports meets."""
    return _schema(DiffReport, DIFF_SCHEMA)


def watch_schema() -> dict[str, Any]:
    """The schema that every line of a watch meets but the first, which is a report."""
    return _schema(WatchEvent, WATCH_SCHEMA)


def _schema(report: type[msgspec.Struct], name: str) -> dict[str, Any]:
    schema = msgspec.json.schema(report, schema_hook=_text)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": name}
    format_name = {"const": name, "description": "Name and version of this format."}
    schema["$defs"][report.__name__]["properties"]["schema"] = format_name
    for struct, definition in schema["$defs"].items():
        for field, of_field in definition.get("properties", {}).items():
            meaning = description(struct, field)
            if meaning is not None:
                of_field.setdefault("description", meaning)
    return head | schema


def _text(of_type: type) -> dict[str, Any]:
    """The schema of what is no type of JSON, and a text there."""
    if of_type not in _TEXTS:
        raise NotImplementedError(f"{of_type.__name__} has no schema")
    return {"type": "string", "description": _TEXTS[of_type]}


def render_schema(schema: dict[str, Any]) -> str:
    """A schema as indented JSON. Ends with a newline."""
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"
