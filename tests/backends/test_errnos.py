"""What error numbers mean, on all three families of systems."""

import errno
import os
import sys

import pytest

from probe.backends.errnos import IN_PROGRESS, RESET_AFTER_ACCEPT, ROWS, TIMED_OUT, Moment, System, meanings
from probe.model.probing import ICMP_REASONS, Reason

LINUX, BSD, WIN32 = System.LINUX, System.BSD, System.WIN32
AT_ONCE, LATER, OPENING = Moment.AT_ONCE, Moment.LATER, Moment.OPENING

# system, number, moment, resets known -> reason, by us
CASES = [
    (LINUX, 111, LATER, True, Reason.RESET, False),
    (LINUX, 111, LATER, False, Reason.REFUSED, False),
    (BSD, 61, LATER, False, Reason.REFUSED, False),
    (BSD, 61, AT_ONCE, False, Reason.REFUSED, False),  # loopback refuses within connect()
    (WIN32, 10061, LATER, False, Reason.REFUSED, False),
    (WIN32, 10054, LATER, False, Reason.REFUSED, False),
    (LINUX, 101, AT_ONCE, True, Reason.NO_ROUTE, False),
    (BSD, 51, AT_ONCE, False, Reason.NO_ROUTE, False),
    (WIN32, 10051, AT_ONCE, False, Reason.NO_ROUTE, False),
    (LINUX, 113, AT_ONCE, True, Reason.NO_ROUTE, False),
    (LINUX, 113, LATER, True, Reason.HOST_UNREACH, False),
    (BSD, 65, LATER, False, Reason.HOST_UNREACH, False),
    (WIN32, 10065, LATER, False, Reason.HOST_UNREACH, False),
    (LINUX, 101, LATER, True, Reason.NET_UNREACH, False),
    (LINUX, 100, LATER, True, Reason.NO_ROUTE, False),
    (BSD, 50, LATER, False, Reason.NO_ROUTE, False),
    (WIN32, 10050, AT_ONCE, False, Reason.NO_ROUTE, False),
    (LINUX, 22, AT_ONCE, True, Reason.NO_ROUTE, False),
    (LINUX, 97, OPENING, True, Reason.NO_ROUTE, False),
    (BSD, 47, OPENING, False, Reason.NO_ROUTE, False),
    (WIN32, 10047, OPENING, False, Reason.NO_ROUTE, False),
    (LINUX, 1, LATER, False, Reason.ADMIN_PROHIBITED, True),
    (LINUX, 13, AT_ONCE, True, Reason.ADMIN_PROHIBITED, True),
    (BSD, 13, AT_ONCE, False, Reason.ADMIN_PROHIBITED, True),
    (WIN32, 10013, AT_ONCE, False, Reason.ADMIN_PROHIBITED, True),
    (LINUX, 126, LATER, False, Reason.HOST_UNREACH, True),
    (LINUX, 89, LATER, False, Reason.HOST_UNREACH, True),
    (LINUX, 92, LATER, True, Reason.PROTO_UNREACH, False),
]


@pytest.mark.parametrize(("system", "number", "moment", "apart", "reason", "by_us"), CASES)
def test_meaning(
    system: System,
    number: int,
    moment: Moment,
    apart: bool,  # noqa: FBT001 - a column of the table
    reason: Reason,
    by_us: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Each number means one thing at one moment."""
    meaning = meanings(system, moment, resets_known=apart)[number]
    assert (meaning.reason, meaning.by_us) == (reason, by_us)


NOT_MEASURED = [
    (LINUX, OPENING, (24, 23, 105, 12, 1, 22)),  # EMFILE, ENFILE, ENOBUFS, ENOMEM; an option refused
    (LINUX, AT_ONCE, (99, 11, 105)),  # EADDRNOTAVAIL: no port left
    (BSD, OPENING, (24, 23, 55)),
    (WIN32, OPENING, (10024, 10055)),
    (LINUX, LATER, (22, 105)),
]


@pytest.mark.parametrize(("system", "moment", "numbers"), NOT_MEASURED)
def test_what_is_not_measured(system: System, moment: Moment, numbers: tuple[int, ...]) -> None:
    """Want of descriptors, memory or ports shows nothing about the target: no row."""
    assert not set(numbers) & set(meanings(system, moment, resets_known=True))


@pytest.mark.parametrize("system", list(System))
@pytest.mark.parametrize("moment", list(Moment))
def test_a_reset_is_never_claimed_without_a_queue(system: System, moment: Moment) -> None:
    """Only an error queue lets a table have `reset`."""
    assert Reason.RESET not in {m.reason for m in meanings(system, moment, resets_known=False).values()}


@pytest.mark.parametrize("system", list(System))
def test_numbers_are_distinct(system: System) -> None:
    """No number has two rows, or is also progress, silence or the reset of an open port."""
    numbers = [row.number(system) for row in ROWS if row.number(system) is not None]
    assert len(numbers) == len(set(numbers))
    assert not set(numbers) & (IN_PROGRESS[system] | TIMED_OUT[system])
    assert not set(meanings(system, Moment.AT_ONCE, resets_known=True)) & RESET_AFTER_ACCEPT[system]


def test_what_we_did_ourselves_is_icmp_shaped() -> None:
    """A meaning with our own address as the sender is one of the reasons that have a sender."""
    ours = {
        m.reason for row in ROWS for moment in Moment if (m := row.meaning(moment)) is not None and m.by_us
    }
    assert ours
    assert ours <= ICMP_REASONS


@pytest.mark.skipif(sys.platform != "linux", reason="the running system's own numbers")
def test_numbers_are_this_systems() -> None:
    """On Linux the table's numbers are those of the running C library."""
    for row in ROWS:
        if row.linux is not None:
            assert getattr(errno, row.name) == row.linux, os.strerror(row.linux)
    assert {errno.EINPROGRESS} == IN_PROGRESS[LINUX]
    assert {errno.ETIMEDOUT} == TIMED_OUT[LINUX]
    assert {errno.ECONNRESET, errno.EPIPE} == RESET_AFTER_ACCEPT[LINUX]


def test_windows_numbers_are_winsocks() -> None:
    """Winsock errors lie from 10000 on; plain C numbers appear only for what is no socket's error."""
    plain = {row.name for row in ROWS if row.win32 is not None and row.win32 < 10_000}
    assert plain == {"ENODEV"}
