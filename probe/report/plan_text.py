"""A plan as text or JSON: what would be asked of each address, before a packet flies."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, astuple
from textwrap import fill, wrap

import msgspec

from probe.explain.follow_ups import FOLLOW_UPS
from probe.inference.follow_up import Doubt
from probe.model.facts import Route
from probe.model.greeting import Inquiry
from probe.model.plan import AddressPlan, Plan
from probe.report.escape import printable
from probe.report.style import PLAIN, TextStyle
from probe.services.port_list import format_port_list
from probe.services.selection import MOST_GREETED, MOST_PORTS, may_greet, may_show_keys

SCHEMA = "bindprobe.plan/1"
_MAY_FOLLOW = "Raw packets that may follow, where the answers leave a doubt:"
_HEADERS = ("probe", "when", "which doubt it ends")
_PROBE_WIDTH = 20  # columns
_GAPS = 4  # columns between the three


def render_plan(
    plan: Plan,
    style: TextStyle = PLAIN,
    doubts: Sequence[Doubt] | None = None,
    inquiry: Inquiry = Inquiry.ALL,
) -> str:
    """Render a plan as text, and the raw packets that may follow (None: none may). Ends with a newline."""
    lines = [line for address in plan.addresses for line in _address(address)]
    lines += _inquiries(plan, inquiry)
    lines.append(_timing(plan))
    wrapped = (wrap(line, style.width, subsequent_indent="    ", break_on_hyphens=False) for line in lines)
    text = "\n".join(text for texts in wrapped for text in texts) + "\n"
    return text if not doubts else f"{text}\n{_follow_ups(doubts, style)}"


def render_plan_json(plan: Plan, doubts: Sequence[Doubt] | None = None) -> str:
    """Render a plan as indented JSON; `follow_ups` null: no raw packets may follow. Ends with a newline."""
    follow_ups = None if doubts is None else [_as_data(doubt) for doubt in doubts]
    whole = {"schema": SCHEMA, **msgspec.to_builtins(plan, enc_hook=str), "follow_ups": follow_ups}
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"


def _as_data(doubt: Doubt) -> dict[str, str | None]:
    words = FOLLOW_UPS[doubt.rule]
    return {"rule": doubt.rule, **asdict(words), "takes": doubt.takes}


def _follow_ups(doubts: Sequence[Doubt], style: TextStyle) -> str:
    """A table: what may be sent, when, and which doubt it ends."""
    import tabulate  # noqa: PLC0415 - loaded only where a table is printed

    probe = min(_PROBE_WIDTH, style.width // 4)
    rest = style.width - probe - _GAPS
    widths = (probe, rest // 2, rest - rest // 2)
    rows = [_HEADERS, *(astuple(FOLLOW_UPS[doubt.rule]) for doubt in doubts)]
    headers, *cells = ([fill(text, width) for text, width in zip(row, widths, strict=True)] for row in rows)
    table = tabulate.tabulate(cells, headers, tablefmt="simple", disable_numparse=True)
    lines = (line.rstrip() for line in table.splitlines())
    return "\n".join([_MAY_FOLLOW, "", *lines]) + "\n"


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


def _inquiries(plan: Plan, inquiry: Inquiry) -> Iterator[str]:
    """What is asked beside the probes, to learn whether the addresses are one machine with one service."""
    reachable = [address for address in plan.addresses if address.route.reachable]
    tested = reachable[0].tested if len(reachable) > 1 else ()
    if inquiry is not Inquiry.NONE and may_show_keys(tested):
        yield f"SSH host keys or TLS certificates of up to {MOST_PORTS} ports that are open on two addresses"
    if inquiry is Inquiry.ALL and may_greet(tested):
        yield (
            f"what services send first, or to HEAD /, on up to {MOST_GREETED} ports that are open"
            " on two addresses"
        )


def _timing(plan: Plan) -> str:
    timing = plan.timing
    rate = f"at most {timing.rate:g} probes/s" if timing.rate else "no cap of the rate beyond the default"
    tries = f"{timing.retries + 1} {'try' if timing.retries == 0 else 'tries'}"
    return (
        f"up to {tries} a port, {timing.timeout:g} s for an answer, {rate}, over after {plan.deadline:.0f} s"
    )


def _spaced(ports: str) -> str:
    return ports.replace(",", ", ")
