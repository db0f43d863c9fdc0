"""Entry of the command line: runs a command and turns whatever happens into an exit code and one line."""

import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from probe import interruption
from probe.cli.app import app
from probe.errors import BindprobeError

COMMANDS = ("scan", "doctor", "explain", "infer", "schema", "demo", "lab")  # each is a module of this package

EXIT_BUG = 70
EXIT_INTERRUPTED = 130
EXIT_USAGE = 2


def run() -> None:
    """Run the command line and exit; after a signal without its threads, which may still wait."""
    code = main(sys.argv[1:])
    if interruption.requested():
        interruption.leave(code)
    sys.exit(code)


def main(argv: Sequence[str]) -> int:
    """Run one command line; return its exit code."""
    _load_commands(argv)
    try:
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
        return _usage_error(error) or _bug(error)
    if not argv:
        return EXIT_USAGE  # the help was shown, but no command was given
    return interruption.exit_code() or (code if isinstance(code, int) else 0)


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
