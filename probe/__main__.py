"""`python -m probe`, and the `bindprobe` command."""

import gc
import os
import signal

_RARELY = 50_000  # objects made between two searches for garbage: hardly any of them is
_NOTHING = 3  # exit code: nothing could be measured
_UNMAPPED = "failed to map segment"  # of dlopen(3), as ImportError has it: a library has no room
_NO_MEMORY = b"bindprobe: not enough memory: raise the limit (ulimit -v), or ask for less at once\n"
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
    except MemoryError:
        _end_without_memory()
    except ImportError as error:
        if _UNMAPPED not in str(error):
            raise
        _end_without_memory()


def _end_without_memory() -> None:
    """End the process in a way that takes none."""
    try:
        os.write(2, _NO_MEMORY)
    finally:  # also where stderr is closed or full
        os._exit(_NOTHING)


if __name__ == "__main__":
    main()
