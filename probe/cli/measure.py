"""What `scan` does once its flags are read: check them, measure, and hand the report over."""

import datetime as dt
import math
import platform

from probe.app import Means, scan
from probe.cli.engines import Wish, doubts_of
from probe.cli.output import Destination, Form
from probe.cli.progress import ProgressBar
from probe.errors import NothingMeasuredError, UsageError
from probe.model.plan import Plan, Timing
from probe.model.report import Report
from probe.model.target import Target
from probe.model.verdict import Binding, Condition
from probe.report.assemble import CONNECT, RAW, RunFacts
from probe.report.grouping import MOST_ROWS
from probe.report.plan_text import render_plan, render_plan_json

EXIT_INCONCLUSIVE = 5
EXIT_INTERRUPTED = 130
_LONGEST_WAIT_S = 60.0
_NOBODY_THERE = frozenset(
    {Condition.HOST_DOWN, Condition.NO_ROUTE, Condition.TUNNEL_DOWN, Condition.WRONG_ROUTE}
)


def timing_of(timeout: float, retries: int, rate: float | None) -> Timing:
    """How patiently to ask.

    Raises:
        UsageError: a number that makes no sense, named.
    """
    if not 0 < timeout <= _LONGEST_WAIT_S:  # NaN is not in the range either
        raise UsageError(f"--timeout {timeout:g}: give more than 0 and at most {_LONGEST_WAIT_S:g} seconds")
    if rate is not None and not (math.isfinite(rate) and rate > 0):
        raise UsageError(f"--rate {rate:g}: give a number of probes per second above 0")
    return Timing(timeout=timeout, retries=retries, rate=rate)


def print_plan(plan: Plan, destination: Destination, wish: Wish, *, quiet: bool) -> None:
    """Print what would be asked, and which raw packets might follow.

    Raises:
        UsageError: a format that plans do not have.
        OutputError: it could not be written.
    """
    if destination.form not in {Form.TABLE, Form.JSON}:
        raise UsageError(f"--plan and --{destination.form} exclude each other; a plan is text or --json")
    doubts = doubts_of(wish, quiet=quiet)
    if destination.form is Form.JSON:
        destination.write_text(render_plan_json(plan, doubts))
    else:
        destination.write_text(render_plan(plan, destination.style(), doubts, wish.inquiry))


def measure(
    target: Target, timing: Timing, means: Means, *, quiet: bool, strict: bool, all_ports: bool = False
) -> Report:
    """Probe with what is at hand and conclude; `all_ports`: every port has a row of its own.

    Raises:
        NothingMeasuredError: not one probe could be sent.
    """
    engine = CONNECT if means.raw is None else RAW
    vantage = platform.node() or "here"
    facts = RunFacts(started=dt.datetime.now(dt.UTC), engine=engine, vantage=vantage, strict=strict)
    with ProgressBar(quiet=quiet) as progress:
        most_rows = None if all_ports else MOST_ROWS
        return scan(target, timing, means, progress=progress, facts=facts, most_rows=most_rows)


def deliver(report: Report, destination: Destination, *, strict: bool = False) -> int:
    """Write a report and return the exit code that it ends with.

    Raises:
        OutputError: it could not be written.
    """
    destination.write(report)
    if not report.complete:
        return EXIT_INTERRUPTED
    if all(address.condition in _NOBODY_THERE for address in report.addresses):
        return NothingMeasuredError.exit_code
    return EXIT_INCONCLUSIVE if strict and _inconclusive(report) else 0


def _inconclusive(report: Report) -> bool:
    verdicts = (*report.ports, *(report.rest or ()))
    return any(one.binding is Binding.UNDETERMINED for one in verdicts)
