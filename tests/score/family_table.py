"""Prints how verdicts did on families of made-up hosts, beside what is best possible and two plain rules."""

from collections.abc import Sequence

from score.family_run import Graded, interval, overconfident
from score.grade import Grade

HEADERS = ("family", "who", "decided %", "wrong %", "wrong at 0.9 %", "log loss", "above best")


def render_families(graded: Sequence[Graded]) -> str:
    """Text of the table, without a final newline."""
    from tabulate import tabulate  # noqa: PLC0415 - only where a table is printed

    rows = [row for one in graded for row in _rows(one)]
    mean = sum(one.gap for one in graded) / len(graded)
    notes = [f"  {one.name}: {text}" for one in graded for text in overconfident(one.ours)]
    return "\n\n".join(
        (
            f"{graded[0].hosts} hosts a family, engine {graded[0].engine}, world {graded[0].world}",
            "* looked at while priors were chosen, ~ sockets cannot see its filters",
            tabulate(rows, headers=HEADERS, disable_numparse=True),
            f"Log loss above the best possible, mean of {len(graded)} families: {mean:.3f}",
            "More errors in a bin of confidence than it claims and two sigma:\n"
            + ("\n".join(notes) or "  none"),
        )
    )


def _rows(one: Graded) -> list[tuple[str, ...]]:
    marks = ("*" if one.family.tuned else "") + ("~" if one.family.sockets_blind else "")
    return [
        (f"{one.name}{marks}", "bindprobe", *_grades(one.ours), f"{one.gap:.3f}"),
        ("", "best possible", *_grades(one.best), ""),
        ("", "careful person", *_grades(one.careful), ""),
        ("", "nmap, plain rule", *_grades(one.nmap), ""),
    ]


def _grades(grade: Grade) -> tuple[str, ...]:
    return (
        _share(grade.decided, grade.ports),
        _share(grade.wrong, grade.ports),
        "-" if grade.confidently_wrong is None else _share(grade.confidently_wrong, grade.ports),
        "-" if grade.log_loss is None else f"{grade.log_loss:.3f}",
    )


def _share(count: int, of: int) -> str:
    return f"{100 * count / of:.1f} +-{100 * interval(count, of):.1f}"
