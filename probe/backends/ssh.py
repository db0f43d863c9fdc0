"""One command on another machine, by the system's ssh: the user's settings, agent and known hosts.

ssh asks for passwords and unknown host keys on the terminal itself, and complains on stderr.
"""

import subprocess
import time
from collections.abc import Sequence

from probe import interruption
from probe.errors import NothingMeasuredError, UsageError
from probe.machine import tools

PATIENCE_S = 120.0  # of a whole command; a user may have to type a password
CONNECT_S = 10
_MOST = 32 * 2**20  # bytes of output
_OF_SSH = 255  # exit code of ssh's own failures (ssh(1), EXIT STATUS)


def run_by_ssh(destination: str, script: str, within: float = PATIENCE_S) -> str:
    """Run a POSIX shell script, which needs no quotes of its own, on a machine; return what it prints.

    Args:
        destination: as ssh takes it: [USER@]HOST, a name of ~/.ssh/config, ssh://USER@HOST:PORT.
        script: without single quotes.
        within: seconds.

    Raises:
        UsageError: no destination, or ssh is not installed.
        NothingMeasuredError: ssh could not log in, or it took too long.
        StopRequestedError: a signal asked for the end meanwhile.
    """
    if not destination or destination.startswith("-") or any(map(str.isspace, destination)):
        raise UsageError(f"{destination!r} is no destination for ssh; give USER@HOST")
    program = tools.find("ssh")
    if program is None:
        raise UsageError("ssh is not installed; run ss -tulnpe on the target and give its output with --ss")
    options = ("-T", "-o", f"ConnectTimeout={CONNECT_S}", "-o", "ClearAllForwardings=yes", "-x")
    output, code = _output([program, *options, "--", destination, f"exec sh -c '{script}'"], within)
    if code == _OF_SSH and not output:
        raise NothingMeasuredError(f"ssh {destination} failed; see its message above")
    return output.decode(errors="replace")


def _output(command: Sequence[str], within: float) -> tuple[bytes, int]:
    """What a command prints on stdout, and its exit code.

    Raises:
        NothingMeasuredError: it took too long, or printed too much.
    """
    quiet, kept = subprocess.DEVNULL, subprocess.PIPE

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(command, stdin=quiet, stdout=kept)  # noqa: S603 - ssh, a checked destination, our own words

    with interruption.child(start) as process, process:
        try:
            output, _ = tools.communicated(process, time.monotonic() + within)
        except subprocess.TimeoutExpired:
            process.kill()
            raise NothingMeasuredError(f"ssh took longer than {within:g} s") from None
        except BaseException:
            process.kill()
            raise
    if len(output) > _MOST:
        raise NothingMeasuredError(f"ssh printed more than {_MOST >> 20} MB, which is no list of sockets")
    return output, process.returncode
