"""The doctor's report as text: this machine line by line, then each address with its causes."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

from probe.explain.causes import MEANINGS
from probe.explain.checks import proposal_command
from probe.explain.phrases import few, percent
from probe.model.binding import Condition
from probe.model.diagnosis import Cause, Proposal
from probe.model.doctor_report import CauseReport, Change, DoctorAddress, DoctorReport, Kind
from probe.model.fixes import Fix
from probe.model.machine_checks import Check, Status
from probe.report.escape import escaped, printable
from probe.report.relevant_checks import bears_on
from probe.report.style import PLAIN, TextStyle

SHOWN_FROM = 0.05  # causes that are less probable are only counted

_GREEN, _YELLOW, _RED, _PLAIN = 32, 33, 31, 0  # SGR codes (ECMA-48)
_COLOURS: Mapping[Status, int] = {
    Status.OK: _GREEN,
    Status.WARN: _YELLOW,
    Status.FAIL: _RED,
    Status.SKIPPED: _PLAIN,
}
_TO_SEE = frozenset({Status.WARN, Status.FAIL})
_STATUS_WIDTH = max(len(status) for status in Status)
_WELL = "well"
_MOST_FIRST = 3  # addresses whose cause stands before all else
_NO_FAULT = "no-fault"  # beside a condition that is one of the target's choice, such as not-forwarded
_INTERRUPTED = "Interrupted: this is what was found until then; what is missing was not examined."


def render_doctor(report: DoctorReport, style: TextStyle = PLAIN) -> str:
    """Render a report as text. Ends with a newline."""
    report = escaped(report)
    checks = _shown_checks(report, style)
    sections = [
        "" if report.complete else "\n".join(_wrapped(_INTERRUPTED, style)),
        "\n".join(_answer_first(report, style)) if checks else "",
        "\n".join(["This machine", *_machine(checks, style)]) if checks else "",
        *_addresses(report.addresses, style),
        *("\n".join(_proposed(one, style)) for one in report.proposed),
        "\n".join(_wrapped(_summary(report, detail=style.detail), style)) if report.complete else "",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _shown_checks(report: DoctorReport, style: TextStyle) -> Sequence[Check]:
    """All in detail; without an address those that warn or failed, else those that bear on a cause."""
    if style.detail:
        return report.machine
    if not report.addresses:
        return [check for check in report.machine if check.status in _TO_SEE]
    causes = {cause.cause for one in report.addresses for cause in _shown_causes(one)}
    return [check for check in report.machine if bears_on(check, causes)]


def _addresses(addresses: Sequence[DoctorAddress], style: TextStyle) -> Iterator[str]:
    """A section for each address; those that are well, and shown in a line each, share one."""
    pending: list[str] = []
    for address in addresses:
        lines = list(_address(address, style))
        if _is_brief(address) and not style.detail:
            pending += lines
            continue
        yield "\n".join(pending)
        pending = []
        yield "\n".join(lines)
    yield "\n".join(pending)


def _shown_causes(address: DoctorAddress) -> Sequence[CauseReport]:
    return [cause for cause in address.causes if cause.probability >= SHOWN_FROM] or address.causes[:1]


def _is_brief(address: DoctorAddress) -> bool:
    """Whether an address is well beyond doubt."""
    return address.well and not _shown_causes(address)[1:]


def _answer_first(report: DoctorReport, style: TextStyle) -> Iterator[str]:
    """The likeliest cause of each address that is not well, before what was found of this machine."""
    ill = [address for address in report.addresses if not address.well and address.causes]
    for address in ill[:_MOST_FIRST]:
        likeliest = address.causes[0]
        sure = percent(likeliest.probability)
        yield from _wrapped(f"{_place(address)}: {MEANINGS[likeliest.cause]} ({sure})", style, "", "  ")
    if len(ill) > _MOST_FIRST:
        yield f"{len(ill) - _MOST_FIRST} more are not well"


def _place(address: DoctorAddress) -> str:
    return " ".join(filter(None, (address.realm, address.address or address.name)))


def _machine(checks: Sequence[Check], style: TextStyle) -> Iterator[str]:
    widest = max(len(check.check) for check in checks)
    widest = min(widest, style.width // 3)
    for check in checks:
        head = f"  {check.status:{_STATUS_WIDTH}}  {check.check:{widest}}  "
        indent = " " * (2 + _STATUS_WIDTH + 2)
        body = indent + " " * (widest + 2)
        lines = _wrapped(check.found.text, style, head, body)
        yield lines[0].replace(check.status, _coloured(check.status, _COLOURS[check.status], style), 1)
        yield from lines[1:]
        if check.fix:
            yield from _fix(check.fix, style, body)


def _address(address: DoctorAddress, style: TextStyle) -> Iterator[str]:
    name = f" ({address.name})" if address.name and address.address else ""
    realm = f"  {address.realm}" if address.realm else ""
    place = f"{address.address or address.name}{name}{realm}  {address.condition}"
    shown = _shown_causes(address)
    if _is_brief(address):
        ending = _WELL if address.condition is Condition.CLEAR else _NO_FAULT
        *lines, last = _wrapped(
            f"{place}  {ending} ({percent(address.causes[0].probability)})", style, "", "  "
        )
        before, word, after = last.rpartition(ending)
        yield from (*lines, f"{before}{_coloured(word, _GREEN, style)}{after}")
        if style.detail:
            yield from _measured(address, style)
        return
    yield from _wrapped(place, style, "", "  ")
    yield from _measured(address, style)
    for cause in shown:
        yield from _cause(cause, style)
    left = len(address.causes) - len(shown)
    if left:
        yield f"        {left} {'cause' if left == 1 else 'causes'} below {SHOWN_FROM:.0%}"
    if address.as_root is not None:
        yield from _wrapped(address.as_root.text, style, "  ", "  ")


def _proposed(proposal: Proposal, style: TextStyle) -> Iterator[str]:
    """Its command in a line of its own where it would be broken, so that it can be copied."""
    text, command = f"{proposal.text[:1].upper()}{proposal.text[1:]}", proposal_command(proposal)
    if len(text) <= style.width:
        yield text
        return
    yield from _wrapped(text.removesuffix(command).rstrip(), style)
    yield f"  {command}"


def _measured(address: DoctorAddress, style: TextStyle) -> list[str]:
    facts = "; ".join(fact.text for fact in address.measured)
    return _wrapped(facts, style, "  ", "  ") if address.measured else []


def _cause(cause: CauseReport, style: TextStyle) -> Iterator[str]:
    colour = _GREEN if cause.cause is Cause.NONE else _RED
    ports = f" ({few(cause.ports)})" if cause.ports else ""
    head = f"  {percent(cause.probability):>4}  {cause.cause}{ports}: "
    lines = _wrapped(MEANINGS[cause.cause], style, head, " " * 8)
    yield lines[0].replace(cause.cause, _coloured(cause.cause, colour, style), 1)
    yield from lines[1:]
    for evidence in cause.evidence:
        yield from _wrapped(evidence.text, style, "        - ", " " * 10)
    before: Fix | None = None
    for fix in cause.fix:
        alternative = before is not None and before.firewalls != fix.firewalls and before.rule is fix.rule
        yield from _fix(fix, style, " " * 8, "or: " if alternative else "fix: ")
        before = fix


def _fix(fix: Fix, style: TextStyle, indent: str, head: str = "fix: ") -> list[str]:
    """A command stays in one line however long it is, so that it can be copied."""
    if fix.command is not None:
        return [f"{indent}{head:>5}{fix.text}"]
    return _wrapped(fix.text, style, f"{indent}fix: ", f"{indent}     ")


def _summary(report: DoctorReport, *, detail: bool) -> str:
    took = f"; {report.elapsed_s:.1f} s"
    if report.addresses:
        well, count = sum(address.well for address in report.addresses), len(report.addresses)
        noun = "address is" if count == 1 else "addresses are"
        return f"{well} of {count} {noun} well{took}"
    failed = sum(check.status is Status.FAIL for check in report.machine)
    count = len(report.machine)
    more = "" if detail else " (-v shows all)"
    if not failed:
        return f"Nothing on this machine is broken: {count} checks{more}{took}"
    return f"{failed} of {count} checks failed{more}{took}"


def _coloured(text: str, colour: int, style: TextStyle) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m" if style.colour and colour else text


def _wrapped(text: str, style: TextStyle, first: str = "", rest: str = "") -> list[str]:
    return wrap(
        text or "-", style.width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
    )


# --- changes ---


_ABSENT = "absent"  # an address that a name did not have, a tunnel that was not there


def changes(before: DoctorReport, after: DoctorReport, now: dt.datetime) -> Iterator[Change]:
    """Every address whose likeliest cause, and every check whose status changed; checks first."""
    old, new = _state(before), _state(after)
    time = now.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for kind, subject in dict.fromkeys((*new, *old)):
        was, is_now = old.get((kind, subject)), new.get((kind, subject))
        if was is not is_now:
            yield Change(time=time, kind=kind, subject=subject, before=was, after=is_now, well=after.well)


def _state(report: DoctorReport) -> Mapping[tuple[Kind, str], Cause | Status]:
    checks = {(Kind.CHECK, check.check): check.status for check in report.machine}
    return checks | {
        (Kind.ADDRESS, one.address or one.name or ""): one.causes[0].cause for one in report.addresses
    }


def render_change(change: Change, zone: dt.tzinfo | None = None) -> str:
    """One line with the time of day in `zone` (None: the system's own). Ends with a newline."""
    time = dt.datetime.fromisoformat(change.time).astimezone(zone)
    step = f"{change.before or _ABSENT} -> {change.after or _ABSENT}"
    return f"{time:%H:%M:%S}  {printable(change.subject)}  {step}\n"
