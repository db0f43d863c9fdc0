"""`python -m probe`, and the `bindprobe` command."""

import gc
import os
import signal

from probe import memory

_RARELY = 50_000  # objects made between two searches for garbage: hardly any of them is
_BY_SIGNAL = 128  # a shell's exit codes of programs that a signal ended start here


def main() -> None:
    """Run the command line. A signal that comes while the program loads ends it, without a trace."""
    gc.set_threshold(_RARELY)
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, _: os._exit(_BY_SIGNAL + number))
    try:
        from probe import interruption  # noqa: PLC0415 - loads more than the lines above may wait for

        interruption.watch()
        from probe.cli.main import run  # noqa: PLC0415 - keeps `import probe` free of the command line

        run()
    except (ImportError, MemoryError, SystemError) as error:
        if not memory.has_run_out(error):
            raise
        memory.end()


if __name__ == "__main__":
    main()
