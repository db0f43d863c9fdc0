"""Where memory runs out: how that shows, and how to end. Takes next to none itself."""

import errno
import os

_NOTHING_MEASURED = 3  # the exit code
_MESSAGE = b"bindprobe: not enough memory: raise the limit (ulimit -v), or ask for less at once\n"
# Of dlopen(3), as ImportError has it: a library has no room; and of CPython, where an error itself has none.
_SIGNS = ("failed to map segment", "error return without exception set")


def has_run_out(error: BaseException) -> bool:
    """Whether an error comes of too little memory."""
    if isinstance(error, ImportError | SystemError):
        return any(sign in str(error) for sign in _SIGNS)
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM)


def end() -> None:
    """End the process with one line on stderr."""
    try:
        os.write(2, _MESSAGE)
    finally:  # also where stderr is closed or full
        os._exit(_NOTHING_MEASURED)
