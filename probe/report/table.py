"""The table: ports down, addresses across, then the verdict; what to do and what is odd stand below.

Four layouts are tried, the richest first, until one fits the width; where none does, every port gets a
block of its own. A line is never left to wrap by itself.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap

from probe.explain.findings import findings, what_one_address_leaves
from probe.model.binding import Binding, Condition
from probe.model.report import AddressReport, Report
from probe.report.alike import folded
from probe.report.escape import escaped
from probe.report.on_target import TITLE, on_target
from probe.report.style import PLAIN, TextStyle
from probe.report.todo import to_do
from probe.report.words import (
    BLOCKED,
    EXPOSED,
    NOT_MEASURED,
    OWNERS,
    UNSURE,
    Row,
    answer,
    answer_colour,
    answer_on,
    coloured,
    heading,
    legend,
    listed_ports,
    of_owners,
    of_path,
    place,
    rows,
    sureness,
    vantage_words,
    verdict_words,
)

_COLOUR = re.compile("\x1b\\[[0-9]*m")
_UNDER_HEADERS = str.maketrans("╭┬╮", "├┼┤")  # from the upper edge of a frame to the line below headers
_FINDING_LINES = 3  # above the table
_HEADS = {"Exposed:": EXPOSED, "Blocked:": BLOCKED, "No answer:": UNSURE}
_VERDICT_WIDTH = 14  # of a folded verdict: half of the longest word


@dataclass(frozen=True, slots=True)
class _TableLayout:
    service: bool
    fold: bool  # break verdicts at their hyphens
    why: int | None  # width of the column with the reason; None: reasons stand below the table


_LAYOUTS = (
    _TableLayout(service=True, fold=False, why=60),
    _TableLayout(service=True, fold=False, why=34),
    _TableLayout(service=True, fold=False, why=None),
    _TableLayout(service=False, fold=False, why=None),
    _TableLayout(service=False, fold=True, why=None),
)


def render_table(report: Report, style: TextStyle = PLAIN) -> str:
    """Render a report as text. Ends with a newline."""
    whole = escaped(report)
    report = whole if style.every_row else folded(whole)
    sections = [
        _interrupted(report, style),
        _findings(whole, style),
        _body(report, style),
        _legend(report, style),
        _others(report, style),
        "\n".join(_indented(what_one_address_leaves(whole), style, "", "")),
        _section(OWNERS, _owners(report), style),
        _section(TITLE, list(on_target(whole)), style),
        _section("What to do", _numbered(to_do(whole)), style),
        _section("Paths that are not clear", _unclear(report), style),
    ]
    if style.detail:
        sections += [_section("Evidence", _evidence(report), style)]
        sections.append("\n".join(_indented(_cost(report), style, "", "")))
    return "\n\n".join(section for section in sections if section) + "\n"


def _body(report: Report, style: TextStyle) -> str:
    if not report.ports and not report.rest:
        return "No port was measured."
    for layout in _LAYOUTS:
        text = _grid(report, layout, style)
        if _width_of(text) <= style.width:
            return text if layout.why else f"{text}\n\n{_whys(report, style)}"
    return _blocks(report, style)


def _width_of(text: str) -> int:
    return max(len(line) for line in _COLOUR.sub("", text).splitlines())


def _grid(report: Report, layout: _TableLayout, style: TextStyle) -> str:
    addresses = report.addresses
    headers = ["port", *("\n".join(heading(a)) for a in addresses), "verdict", "sure"]
    cells = [_cells(row, addresses, layout, style) for row in rows(report)]
    if layout.why:
        headers.append("why")
        cells = [
            [*line, _folded(row.verdict.why, layout.why)]
            for line, row in zip(cells, rows(report), strict=True)
        ]
    form = "rounded_outline" if style.unicode else "simple"
    return _tabulated(cells, headers, form)


def _tabulated(cells: Sequence[Sequence[str]], headers: Sequence[str], form: str) -> str:
    """Tabulate with columns as wide as their texts: those decide what fits a terminal.

    The headers go in as a row, since `tabulate` makes a column of headers two wider; their rule follows here.
    """
    import tabulate  # noqa: PLC0415 - loaded only where a table is printed

    drawn = tabulate.tabulate([headers, *cells], tablefmt=form, disable_numparse=True).split("\n")
    top, *lines, bottom = drawn
    height = 1 + max(header.count("\n") for header in headers)
    framed = top != bottom
    outer = ((top,), (bottom,)) if framed else ((), ())
    rule = top.translate(_UNDER_HEADERS)
    return "\n".join((*outer[0], *lines[:height], rule, *lines[height:], *outer[1]))


def _cells(row: Row, addresses: Sequence[AddressReport], layout: _TableLayout, style: TextStyle) -> list[str]:
    words = verdict_words(row, addresses)
    return [
        row.title if layout.service else row.label,
        *(_answer(row, address, style) for address in addresses),
        coloured(
            _folded(words, _VERDICT_WIDTH) if layout.fold else words,
            UNSURE if style.colour and row.verdict.binding is Binding.UNDETERMINED else None,
        ),
        sureness(row),
    ]


def _answer(row: Row, address: AddressReport, style: TextStyle) -> str:
    observation = answer_on(address, row)
    if observation is None:
        return NOT_MEASURED
    return coloured(answer(observation), answer_colour(observation, row) if style.colour else None)


def _folded(text: str, width: int) -> str:
    return "\n".join(wrap(text, width, break_long_words=False)) if text else ""


def _whys(report: Report, style: TextStyle) -> str:
    """Each reason once, with the ports that it holds for."""
    members: dict[str, list[Row]] = {}
    for row in rows(report):
        if row.verdict.why:
            members.setdefault(row.verdict.why, []).append(row)
    texts = (f"{listed_ports(of)}: {why}" for why, of in members.items())
    return "\n".join(line for text in texts for line in _indented(text, style, "", "  "))


def _blocks(report: Report, style: TextStyle) -> str:
    return "\n\n".join("\n".join(_block(row, report, style)) for row in rows(report))


def _block(row: Row, report: Report, style: TextStyle) -> Iterator[str]:
    sure = "" if row.verdict.binding is Binding.UNDETERMINED else f", {sureness(row)} sure"
    verdict = f"{row.title}: {verdict_words(row, report.addresses)}{sure}"
    yield from _indented(verdict, style, "", "  ")
    if row.verdict.why:
        yield from _indented(row.verdict.why, style, "  ", "  ")
    realm_width = max(len(address.realm) for address in report.addresses)
    address_width = max(len(address.address) for address in report.addresses)
    for address in report.addresses:
        where = f"    {address.realm:{realm_width}}  {address.address:{address_width}}  "
        yield "  ".join((f"{where}{_answer(row, address, style)}", *vantage_words(address)))


def _indented(text: str, style: TextStyle, first: str, rest: str) -> list[str]:
    return wrap(text, style.width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def _interrupted(report: Report, style: TextStyle) -> str:
    text = "Interrupted: this is what was measured until then; what is missing was not measured."
    return "" if report.complete else "\n".join(_indented(text, style, "", ""))


def _findings(report: Report, style: TextStyle) -> str:
    """The most important findings that three lines hold, in their order; the first one is whole."""
    shown: list[str] = []
    for sentence in findings(report):
        if shown and len(_indented(" ".join((*shown, sentence)), style, "", "")) > _FINDING_LINES:
            break
        shown.append(sentence)
    text = "\n".join(_indented(" ".join(shown), style, "", ""))
    for head, colour in _HEADS.items() if style.colour else ():
        text = text.replace(head, coloured(head, colour), 1)
    return text


def _legend(report: Report, style: TextStyle) -> str:
    return "\n".join(_indented(legend(report), style, "", ""))


def _others(report: Report, style: TextStyle) -> str:
    """Which ports a shortened label stands for."""
    lists = [f"{row.label}: {row.ports.replace(',', ', ')}" for row in rows(report) if row.shortened]
    return "\n".join(line for text in lists for line in _indented(text, style, "", "  "))


def _section(title: str, lines: Sequence[tuple[str, str]], style: TextStyle) -> str:
    """A title and its lines, each with the mark that it starts with."""
    if not lines:
        return ""
    wrapped = (_indented(text, style, mark, " " * len(mark)) for mark, text in lines)
    return "\n".join([title, *(line for group in wrapped for line in group)])


def _numbered(texts: Sequence[str]) -> list[tuple[str, str]]:
    return [(f"{number:>3}. ", text) for number, text in enumerate(texts, 1)]


def _unclear(report: Report) -> list[tuple[str, str]]:
    lines = []
    for address in report.addresses:
        if address.condition is not Condition.CLEAR:
            lines.append(("  ", f"{place(address)}: {address.condition}"))
            lines += [("    - ", evidence.text) for evidence in of_path(address)]
    return lines


def _owners(report: Report) -> list[tuple[str, str]]:
    return [("  ", f"{place(a)}: {evidence.text}") for a in report.addresses for evidence in of_owners(a)]


def _evidence(report: Report) -> list[tuple[str, str]]:
    lines = []
    for row in rows(report):
        lines.append(("  ", row.title))
        lines += [("    - ", evidence.text) for evidence in row.verdict.evidence]
        lines += [("    - not excluded: ", rival.text) for rival in row.verdict.rivals]
    return lines


def _cost(report: Report) -> str:
    stats = report.stats
    if stats is None:
        return f"{report.elapsed_s:g} s"
    probes = f"{stats.sent} probes sent, {stats.answered} answered, {stats.resent} resent"
    return f"{probes}; {report.elapsed_s:g} s, {stats.rate_reached:g} probes/s"
