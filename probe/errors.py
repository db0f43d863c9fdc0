"""What can go wrong, and the exit code each error ends with.

Lives here: one exception per outcome that a user can act on. Every message is one line that
names what is wrong and what to do. Silence, a reset or an ICMP error are results, never errors.
"""

from typing import ClassVar


class BindprobeError(Exception):
    """Base of every error that ends the program with one line on stderr."""

    exit_code: ClassVar[int] = 70


class UsageError(BindprobeError):
    """A flag, an address, a port list or a file is not what it should be."""

    exit_code = 2


class NothingMeasuredError(BindprobeError):
    """No name resolved, no route, no address answered in any way: there is nothing to report."""

    exit_code = 3


class PrivilegeError(BindprobeError):
    """What was asked for by name needs a privilege that this process does not have."""

    exit_code = 4


class ScenarioError(UsageError):
    """A scenario file has an unknown key or a value that makes no sense; the message names it."""


class BackendError(BindprobeError):
    """The engine could not send or receive at all (no file descriptors, a broken world)."""

    exit_code = 3


class OutputError(BindprobeError):
    """What shall be written to cannot be: known before the first probe (no folder, no permission)."""

    exit_code = 2


class UnwrittenError(BindprobeError):
    """The result was there and could not be written where it was asked for, as on a full disk."""

    exit_code = 6
