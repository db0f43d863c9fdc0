"""Entry of the command line: runs a command and turns whatever happens into an exit code and one line."""

import errno
import gc
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module

from probe import interruption, memory
from probe.cli.app import app
from probe.errors import BindprobeError, UsageError

# Each is a module of this package.
COMMANDS = (
    *("scan", "doctor", "explain", "confirm", "learn", "check", "diff", "infer"),
    *("schema", "demo", "lab", "help"),
)

EXIT_BUG = 70
EXIT_INTERRUPTED = 130
EXIT_USAGE = 2
EXIT_NOTHING = 3
EXIT_UNWRITTEN = 6
_RAISE_LIMITS = "raise the limits (ulimit -u, ulimit -v), or ask for less at once"
_NO_THREAD = "can't start new thread"  # of CPython's _thread


def run() -> None:
    """Run the command line and exit; after a signal without its threads, which may still wait."""
    code = main(sys.argv[1:])
    gc.disable()  # or the interpreter searches everything for garbage before it ends: 40 ms
    if interruption.requested():
        interruption.leave(code)
    sys.exit(code)


def main(argv: Sequence[str]) -> int:
    """Run one command line; return its exit code."""
    try:
        argv = _with_command(argv)
        _load_commands(argv)
        code = app(
            args=list(argv) or ["--help"], prog_name="bindprobe", standalone_mode=False, obj=list(argv)
        )
    except BindprobeError as error:
        return _failed(str(error), error.exit_code)
    except (KeyboardInterrupt, interruption.StopRequestedError):
        return interruption.exit_code() or EXIT_INTERRUPTED
    except SystemExit as stop:
        if _reader_is_gone(stop):
            return 0
        raise
    except Exception as error:  # noqa: BLE001 - the last line of defence: a bug is one line too
        return _usage_error(error) or _limit(error) or _unwritten(error) or _bug(error)
    if not argv:
        return EXIT_USAGE  # the help was shown, but no command was given
    return interruption.exit_code() or (code if isinstance(code, int) else 0)


_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_OF_THE_PROGRAM = frozenset({"-h", "--help", "-V", "--version", "--install-completion", "--show-completion"})
_LIKE = 0.7  # how alike a word and a command are (difflib's ratio) for the one to be a slip of the other


def _with_command(argv: Sequence[str]) -> Sequence[str]:
    """The arguments with their command: what begins with an address, or an option of it, is a scan.

    Raises:
        UsageError: the first word is nearly a command. It is not looked up as a name.
    """
    if not argv or argv[0] in COMMANDS or argv[0] in _OF_THE_PROGRAM:
        return argv
    first = argv[0]
    if _WORD.fullmatch(first):
        from difflib import get_close_matches

        for command in get_close_matches(first.lower(), COMMANDS, n=1, cutoff=_LIKE):
            raise UsageError(
                f"no command {first!r}: did you mean {command}? A host of that name: bindprobe scan {first}"
            )
    return ["scan", *argv]


def _load_commands(argv: Sequence[str]) -> None:
    """Import the command that is given, which adds it to the application; for help and errors all of them."""
    for name in argv[:1] if argv and argv[0] in COMMANDS else COMMANDS:
        import_module(f"probe.cli.{name}")


def _failed(message: str, code: int) -> int:
    from probe.cli.terminal import complain

    complain(message)
    return code


def _usage_error(error: Exception) -> int | None:
    """The exit code of typer's own errors, known by their shape: their classes are private."""
    describe = getattr(error, "format_message", None)
    if describe is None:
        return None
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "bindprobe"
    return _failed(f"{describe().strip().rstrip('.')} (see {command} --help)", EXIT_USAGE)


def _limit(error: Exception) -> int | None:
    """The exit code where this machine, or a limit of the user's, has no more threads to give.

    Raises:
        MemoryError: no more memory; `probe.__main__` reports it, with hardly any.
    """
    if memory.has_run_out(error):
        raise MemoryError from None
    if isinstance(error, RuntimeError) and str(error).startswith(_NO_THREAD):
        return _failed(f"no more threads: {_RAISE_LIMITS}", EXIT_NOTHING)
    return None


def _unwritten(error: Exception) -> int | None:
    """The exit code of a full disk below what has no error of its own: help, and folders of the lab."""
    if not isinstance(error, OSError) or error.errno not in {errno.ENOSPC, errno.EIO, errno.EDQUOT}:
        return None
    from probe.cli.terminal import discard_rest

    discard_rest(sys.stdout)
    return _failed(f"{error.filename or 'stdout'} cannot be written: {error.strerror}", EXIT_UNWRITTEN)


def _bug(error: Exception) -> int:
    if os.environ.get("BINDPROBE_DEBUG"):
        import traceback

        traceback.print_exception(error)
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f" at {os.path.basename(frame.tb_frame.f_code.co_filename)}:{frame.tb_lineno}" if frame else ""  # noqa: PTH119 - a name for the eye
    text = f"a bug in bindprobe: {type(error).__name__}: {error}{where}"
    return _failed(f"{text}; please report it (BINDPROBE_DEBUG=1 shows the whole trace)", EXIT_BUG)


def _reader_is_gone(stop: SystemExit) -> bool:
    """Whether typer stopped because nobody reads its help any more."""
    cause = stop.__context__
    return isinstance(cause, OSError) and cause.errno == errno.EPIPE
