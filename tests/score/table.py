"""Prints a score card: the two probers side by side, our calibration, and what we got wrong."""

from collections.abc import Sequence

from score.card import Column, Mistake, ScoreCard
from score.grade import SURE, Bin, Claim, Fact, Grade

NONE = "-"


def render(card: ScoreCard) -> str:
    """Text of a score card, without a final newline."""
    parts = [
        f"{card.worlds} random worlds from seed {card.seed}, world {card.world}, engine {card.engine}",
        _probers(card),
        "Calibration: of the verdicts given with about this confidence, how many were right",
        _calibration(card.ours.grade.bins),
        *_mistakes(card.ours.mistakes),
    ]
    return "\n\n".join(parts)


def _probers(card: ScoreCard) -> str:
    from tabulate import tabulate  # noqa: PLC0415 - only where a table is printed

    ours = dict(_rows(card.ours))
    theirs = dict(_rows(card.nmap)) if card.nmap else {}
    rows = [(name, ours[name], theirs.get(name, NONE)) for name in ours]
    beside = f"nmap: skipped, {card.skipped}" if card.skipped else "nmap, plain rule"
    return tabulate(rows, headers=("", "bindprobe", beside), disable_numparse=True)


def _rows(column: Column) -> Sequence[tuple[str, str]]:
    grade = column.grade
    return (
        ("ports", str(grade.ports)),
        ("decided, of all ports", _share(grade.decided, grade.ports)),
        ("wrong, of all ports", _share(grade.wrong, grade.ports)),
        (f"wrong with confidence >= {SURE}", _sure(grade)),
        ("log loss, nats a port", _number(grade.log_loss)),
        ("expected calibration error", _number(grade.calibration_error)),
        ("seconds a world", f"{column.seconds:.2f}"),
    )


def _share(part: int, whole: int) -> str:
    return f"{part} ({part / whole:.1%})" if whole else str(part)


def _sure(grade: Grade) -> str:
    return NONE if grade.confidently_wrong is None else _share(grade.confidently_wrong, grade.ports)


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"


def _calibration(bins: Sequence[Bin]) -> str:
    from tabulate import tabulate  # noqa: PLC0415 - only where a table is printed

    rows = [
        (f"{one.low:.1f}-{one.high:.1f}", one.count, f"{one.confidence:.3f}", f"{one.right:.3f}")
        for one in bins
        if one.count
    ]
    headers = ("confidence", "verdicts", "mean confidence", "share right")
    return tabulate(rows, headers=headers, disable_numparse=True)


def _mistakes(mistakes: Sequence[Mistake]) -> Sequence[str]:
    if not mistakes:
        return ()
    lines = [
        f"  world {one.seed}, {one.port}: found {_named(one.claim)} ({one.claim.confidence or 0:.2f}), "
        f"is {_named(one.fact)}"
        for one in mistakes
    ]
    return ("Wrong:\n" + "\n".join(lines),)


def _named(claim: Claim | Fact) -> str:
    addresses = " ".join(sorted(map(str, claim.bound_to)))
    return f"{claim.binding} {addresses}".rstrip()
