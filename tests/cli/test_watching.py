"""`--watch` with a scripted examination and a clock that only counts."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
import pytest

from probe.app.checkup import EVERY_S, Watch
from probe.cli.doctoring import exit_code, split_seconds
from probe.errors import UsageError
from probe.model.binding import Condition
from probe.model.diagnosis import Cause
from probe.model.doctor_report import CauseReport, Change, DoctorAddress, DoctorReport

STARTED = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)


def found(*causes: Cause, complete: bool = True) -> DoctorReport:
    """A report with one address a cause."""
    addresses = tuple(
        DoctorAddress(
            address=f"10.88.0.{number}",
            realm="vpn",
            condition=Condition.CLEAR,
            well=cause is Cause.NONE,
            causes=(CauseReport(cause=cause, probability=1.0),),
        )
        for number, cause in enumerate(causes, 10)
    )
    well = all(one.well for one in addresses)
    return DoctorReport(
        version="0", started="", elapsed_s=2.0, well=well, complete=complete, machine=(), addresses=addresses
    )


STALE, WELL = found(Cause.TUNNEL_STALE), found(Cause.NONE)


@dataclass
class ScriptedChecks:
    """What is found at each check; shown is what was printed, and at which time."""

    reports: list[DoctorReport]
    readers_patience: int = 100
    now: dt.datetime = STARTED
    shown: list[str] = field(default_factory=list)
    interrupt: Callable[[], None] = lambda: None
    pauses: list[float] = field(default_factory=list)

    def check(self) -> DoctorReport:
        self.now += dt.timedelta(seconds=2)
        return self.reports.pop(0)

    def show(self, piece: DoctorReport | Change) -> bool:
        words = f"{piece.time[11:19]} {piece.before}>{piece.after}" if isinstance(piece, Change) else "report"
        self.shown.append(words)
        return len(self.shown) < self.readers_patience

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += dt.timedelta(seconds=self.pauses[-1] if seconds < 60 else 3.0)
        if not self.reports:
            self.interrupt()

    def run(self) -> int:
        watch = Watch(self.check, self.show, lambda: self.now, self.pause, every=3.0)
        return exit_code(watch.run())


CASES = {
    "well at once": ([WELL], ["report"], 0),
    "mended": ([STALE, STALE, STALE, WELL], ["report", "12:00:17 tunnel-stale>none"], 0),
    "another cause first": (
        [STALE, found(Cause.TARGET_FIREWALL), WELL],
        ["report", "12:00:07 tunnel-stale>target-firewall", "12:00:12 target-firewall>none"],
        0,
    ),
    "one of two": (
        [
            found(Cause.DNS, Cause.DNS),
            found(Cause.NONE, Cause.DNS),
            found(Cause.NONE, Cause.NONE),
        ],
        ["report", "12:00:07 dns>none", "12:00:12 dns>none"],
        0,
    ),
    "worse again": (
        [
            found(Cause.NONE, Cause.DNS),
            found(Cause.HOST_DOWN, Cause.DNS),
            found(Cause.NONE, Cause.NONE),
        ],
        ["report", "12:00:07 none>host-down", "12:00:12 host-down>none", "12:00:12 dns>none"],
        0,
    ),
    "interrupted at first": ([found(Cause.DNS, complete=False)], ["report"], 130),
    "interrupted later": ([STALE, found(complete=False)], ["report"], 130),
}


@pytest.mark.parametrize("name", CASES)
def test_watching(name: str, interrupt: Callable[..., None]) -> None:
    """The first report in full, then one line a change with its time, nothing where nothing changes."""
    reports, shown, code = CASES[name]
    script = ScriptedChecks(list(reports), interrupt=interrupt)
    assert script.run() == code
    assert script.shown == shown
    assert script.reports == []


@pytest.mark.parametrize(("patience", "shown"), [(1, 1), (2, 2)])
def test_nobody_reads_any_more(patience: int, shown: int) -> None:
    """With a closed pipe the watch ends, and is not well."""
    script = ScriptedChecks([found(Cause.DNS, Cause.DNS), found(Cause.NONE, Cause.HOST_DOWN)], patience)
    assert script.run() == 1
    assert len(script.shown) == shown


def test_it_goes_on_after_all_is_well(interrupt: Callable[..., None]) -> None:
    """With a minute between checks where all is well, and at its own pace where not."""
    script = ScriptedChecks([STALE, WELL, WELL, STALE, WELL], interrupt=interrupt)
    assert script.run() == 0
    assert script.pauses == [3.0, 60.0, 60.0, 3.0, 60.0]
    assert len(script.shown) == 4


def test_a_thousand_checks_without_a_change_print_nothing(interrupt: Callable[..., None]) -> None:
    """The output does not grow with time."""
    script = ScriptedChecks([STALE] * 1000 + [WELL], interrupt=interrupt)
    assert script.run() == 0
    assert len(script.shown) == 2


@pytest.mark.parametrize(
    ("texts", "every", "addresses"),
    [
        ([], EVERY_S, ()),
        (["10.88.0.10"], EVERY_S, ("10.88.0.10",)),
        (["3", "10.88.0.10"], 3.0, ("10.88.0.10",)),
        (["a.example", "0.5"], 0.5, ("a.example",)),
        (["1.2.3", "vpn=10.0.0.1", "\u0663"], EVERY_S, ("1.2.3", "vpn=10.0.0.1", "\u0663")),
    ],
)
def test_seconds_among_addresses(texts: list[str], every: float, addresses: tuple[str, ...]) -> None:
    """A bare number is the pause; nothing else is taken for one."""
    assert split_seconds(texts) == (every, addresses)


@pytest.mark.parametrize("texts", [["0"], ["3", "5"], ["3601"], ["0.0"]])
def test_pauses_that_make_no_sense(texts: list[str]) -> None:
    """Named with the flag."""
    with pytest.raises(UsageError, match=f"--watch {texts[0]}"):
        split_seconds(texts)


@pytest.mark.parametrize(("report", "code"), [(WELL, 0), (STALE, 1), (found(complete=False), 130)])
def test_exit_codes(report: DoctorReport, code: int) -> None:
    """Well, something wrong, interrupted."""
    assert exit_code(report) == code
    assert msgspec.json.encode(report)
