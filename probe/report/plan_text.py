"""A plan as text or JSON: what would be asked of each address, before a packet flies."""

from collections.abc import Iterator
from textwrap import wrap

import msgspec

from probe.infer.keyed_ports import MOST_PORTS, may_show_keys
from probe.model.facts import Route
from probe.model.plan import AddressPlan, Plan
from probe.ports import format_port_list
from probe.report.escape import printable
from probe.report.style import PLAIN, TextStyle

SCHEMA = "bindprobe.plan/1"


def render_plan(plan: Plan, style: TextStyle = PLAIN) -> str:
    """Render a plan as text. Ends with a newline."""
    lines = [line for address in plan.addresses for line in _address(address)]
    lines += _keys(plan)
    lines.append(_timing(plan))
    wrapped = (wrap(line, style.width, subsequent_indent="    ", break_on_hyphens=False) for line in lines)
    return "\n".join(text for texts in wrapped for text in texts) + "\n"


def render_plan_json(plan: Plan) -> str:
    """Render a plan as indented JSON. Ends with a newline."""
    whole = {"schema": SCHEMA, **msgspec.to_builtins(plan, enc_hook=str)}
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"


def _address(address: AddressPlan) -> Iterator[str]:
    of = address.address
    name = f" ({printable(of.name)})" if of.name else ""
    yield f"{of.realm} {of.ip}{name}, {_route(address.route)}"
    yield f"  tested: {_spaced(format_port_list(address.tested))}"
    yield f"  controls, which nothing should use: {_spaced(format_port_list(address.controls))}"


def _route(route: Route) -> str:
    if not route.reachable:
        return "no route: nothing would be sent"
    by = f"by {printable(route.interface)}" if route.interface else "by an interface that is not known"
    source = f" from {route.source}" if route.source else ""
    return by + source


def _keys(plan: Plan) -> Iterator[str]:
    """What is asked beside the probes, to tell whether the addresses are one machine."""
    reachable = [address for address in plan.addresses if address.route.reachable]
    if len(reachable) > 1 and may_show_keys(reachable[0].tested):
        yield f"SSH host keys or TLS certificates of up to {MOST_PORTS} ports that are open on two addresses"


def _timing(plan: Plan) -> str:
    timing = plan.timing
    rate = f"at most {timing.rate:g} probes/s" if timing.rate else "no cap of the rate beyond the default"
    tries = f"{timing.retries + 1} {'try' if timing.retries == 0 else 'tries'}"
    return (
        f"up to {tries} a port, {timing.timeout:g} s for an answer, {rate}, over after {plan.deadline:.0f} s"
    )


def _spaced(ports: str) -> str:
    return ports.replace(",", ", ")
