"""A scan as metrics, in Prometheus' text format: for node_exporter's textfile collector.

https://prometheus.io/docs/instrumenting/exposition_formats/. A port that was not measured has no sample.
"""

import datetime as dt
from collections.abc import Iterator, Mapping

from probe.model.binding import UNREACHED
from probe.model.probing import State
from probe.model.report import PortReport, Report

METRICS: Mapping[str, str] = {
    "bindprobe_scan_success": "Whether the last scan measured anything.",
    "bindprobe_scan_timestamp_seconds": "When the last scan began, Unix time.",
    "bindprobe_scan_duration_seconds": "How long the last scan took.",
    "bindprobe_address_reached": "Whether probes come as far as the address.",
    "bindprobe_address_condition": "1 for the condition that the path to the address has.",
    "bindprobe_port_open": "Whether the port accepts on the address; no sample: not known.",
    "bindprobe_port_binding": "The probability of the binding that the port is given.",
    "bindprobe_private_exposed": "1 where a service that should stay inside accepts.",
}
_SHOWN = {State.OPEN: 1, State.CLOSED: 0, State.FILTERED: 0}
_Sample = tuple[str, Mapping[str, str], float]


def render_prometheus(report: Report | None, began: dt.datetime) -> str:
    """Render a scan; None: it measured nothing. Ends with a newline."""
    samples = [
        ("bindprobe_scan_success", {}, float(report is not None)),
        ("bindprobe_scan_timestamp_seconds", {}, round(began.timestamp(), 3)),
        *(_samples(report) if report is not None else ()),
    ]
    lines = []
    for name, about in METRICS.items():
        of_this = [f"{name}{_labels(labels)} {value:.15g}" for one, labels, value in samples if one == name]
        if of_this:
            lines += [f"# HELP {name} {about}", f"# TYPE {name} gauge", *of_this]
    return "\n".join(lines) + "\n"


def _samples(report: Report) -> Iterator[_Sample]:
    yield "bindprobe_scan_duration_seconds", {}, report.elapsed_s
    realms = {}
    for address in report.addresses:
        labels = {"address": address.address, "realm": address.realm}
        realms[address.address] = address.realm
        yield "bindprobe_address_reached", labels, address.condition not in UNREACHED
        yield "bindprobe_address_condition", {**labels, "condition": address.condition}, 1
    for port in report.ports:
        yield from _of_port(port, realms)


def _of_port(port: PortReport, realms: Mapping[str, str]) -> Iterator[_Sample]:
    name = {"port": str(port.port), "protocol": str(port.protocol), "service": port.service or ""}
    for one in port.observations:
        labels = {**name, "address": one.address, "realm": realms[one.address]}
        if one.state in _SHOWN:
            yield "bindprobe_port_open", labels, _SHOWN[one.state]
        if port.private and one.state is State.OPEN:
            yield "bindprobe_private_exposed", labels, 1
    binding = {"binding": str(port.binding), "bound_to": ",".join(port.bound_to)}
    yield "bindprobe_port_binding", {**name, **binding}, port.confidence


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
