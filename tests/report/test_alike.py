"""Rows of a text: many ports that read alike share one, with their numbers; `--all` gives each its own."""

from sample_reports import LAN, OPEN, RESET, SILENT, UNDETERMINED, VPN, address, port, report

from probe.model.advice import Advice, AdviceRule, Severity
from probe.model.binding import Binding
from probe.model.probing import Reason
from probe.model.report import Report
from probe.report.alike import MANY, folded
from probe.report.markdown import render_markdown
from probe.report.style import TextStyle
from probe.report.table import render_table

TWO = (LAN, VPN)


def many(count: int, reason: Reason = RESET, start: int = 1000, **more) -> list:
    """Ports that read alike, each of another service."""
    binding = more.pop("binding", Binding.LOOPBACK_OR_NOT_LISTENING)
    numbers = range(start, start + count)
    return [port(n, [reason] * 2, binding, TWO, service=f"s{n}", why="refused", **more) for n in numbers]


def of(*ports) -> Report:
    return report(ports, addresses=tuple(map(address, TWO)))


def test_many_alike_ports_are_one_row() -> None:
    """Their numbers stand for them, the confidence is that of the least sure; a few keep their rows."""
    alike = many(MANY, confidence=0.97)
    alike[3] = many(1, start=1003, confidence=0.91)[0]
    one = port(22, [OPEN, OPEN], places=TWO)
    both = folded(of(one, *alike))
    assert [row.port for row in both.ports] == [22]
    assert [(row.ports, row.confidence) for row in both.rest or ()] == [("1000-1009", 0.91)]
    few = of(*many(MANY - 1))
    assert folded(few) is few


def test_what_reads_otherwise_is_apart() -> None:
    """Another answer, verdict or protocol, and what is exposed."""
    closed, silent = many(MANY), many(MANY, SILENT, 2000, binding=UNDETERMINED)
    opened = many(MANY, OPEN, 3000, binding=Binding.WILDCARD)
    exposed = many(3, OPEN, 4000, binding=Binding.WILDCARD, private=True)
    found = folded(of(*closed, *silent, *opened, *exposed))
    assert [row.ports for row in found.rest or ()] == ["1000-1009", "2000-2009", "3000-3009"]
    assert [row.port for row in found.ports] == [4000, 4001, 4002]


def test_the_texts_have_the_row_and_all_the_advice() -> None:
    """Table and Markdown fold; what is to do is listed for every port. With every_row nothing is folded."""
    advice = Advice(rule=AdviceRule.BOUND_TO_LOOPBACK, severity=Severity.LOW, text="bind 1007 wider")
    ports = many(MANY)
    ports[7] = many(1, start=1007, advice=(advice,))[0]
    whole = of(*ports)
    for render in (render_table, render_markdown):
        text = render(whole, TextStyle())
        assert "1000-1009/tcp" in text
        assert "s1004" not in text.partition("What to do")[0]
        assert "bind 1007 wider" in text
        assert "1004/tcp s1004" in render(whole, TextStyle(every_row=True))
