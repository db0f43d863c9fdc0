"""Under sudo: the user who called it. What is written is theirs, and the program goes on as them."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from probe.errors import PrivilegeError, UsageError

_NAMES = ("SUDO_UID", "SUDO_GID")  # sudo(8), Environment
# What a command that stays root keeps of the user's environment: how text looks, where Docker and Python are.
# All else may name programs, libraries, settings or folders of theirs.
_KEPT = frozenset(
    {"BASE", "COLUMNS", "FORCE_COLOR", "HOST", "LANG", "LINES", "NO_COLOR", "SCENARIO", "TERM", *_NAMES}
)
_KEPT_BEGINNINGS = ("BINDPROBE_", "DOCKER_", "LC_", "PIP_", "PYTHON")
_KEPT_ENDS = ("_PARENT",)  # of docker-compose.yml
_LARGEST = 2**32 - 2  # of user and group numbers: the one above means "as it is" (setresuid(2))
_DIGITS = len(str(_LARGEST))


@dataclass(frozen=True, slots=True)
class Invoker:
    """A user by their numbers, with all of their groups."""

    uid: int
    gid: int

    def become(self) -> None:
        """Go on as this user, for good.

        Raises:
            PrivilegeError: this process may not, as in a user namespace that does not have the user.
        """
        try:
            os.setgroups(self._groups())
            os.setgid(self.gid)
            os.setuid(self.uid)
        except OSError as error:
            raise self._refused(error) from None
        if {os.getuid(), os.geteuid()} != {self.uid}:
            raise PrivilegeError(f"this process did not become user {self.uid}; nothing was sent")

    @contextlib.contextmanager
    def acting(self) -> Iterator[None]:
        """Open and write files as this user meanwhile.

        Raises:
            PrivilegeError: as `become`.
        """
        groups, group = os.getgroups(), os.getegid()
        with contextlib.ExitStack() as stack:
            try:
                stack.callback(os.setgroups, groups)
                os.setgroups(self._groups())
                stack.callback(os.setegid, group)
                os.setegid(self.gid)
                stack.callback(os.seteuid, os.geteuid())
                os.seteuid(self.uid)
            except OSError as error:
                raise self._refused(error) from None
            yield

    def _groups(self) -> list[int]:
        import pwd

        try:
            name = pwd.getpwuid(self.uid).pw_name
        except KeyError:  # a user without an entry: their own group alone
            return [self.gid]
        return os.getgrouplist(name, self.gid)

    def _refused(self, error: OSError) -> PrivilegeError:
        return PrivilegeError(
            f"cannot go on as user {self.uid}, whom SUDO_UID names: {error.strerror};"
            f" unset {' and '.join(_NAMES)} to go on as root, without its capabilities"
        )


def invoker_of(environ: Mapping[str, str]) -> Invoker | None:
    """Who called sudo; None where this process is not root, or root called.

    Raises:
        UsageError: the variables that sudo sets are there and make no sense.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or not any(name in environ for name in _NAMES):
        return None
    uid, gid = (_number(name, environ.get(name, "")) for name in _NAMES)
    return None if uid == 0 else Invoker(uid, gid)


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS and int(text) <= _LARGEST):
        kind = "user" if name == _NAMES[0] else "group"
        raise UsageError(
            f"{name}={text[:20]!r} is no {kind} number; sudo sets it, or unset {' and '.join(_NAMES)}"
        )
    return int(text)


def go_on_as_invoker() -> None:
    """Become the user who called sudo, for good: of a command that needs no privilege.

    Raises:
        UsageError, PrivilegeError: as `invoker_of` and `Invoker.become`.
    """
    invoker = invoker_of(os.environ)
    if invoker is not None:
        invoker.become()


def trust_no_tool_of_the_user() -> None:
    """Let a command that stays root under sudo use the system's tools and folders only, and root's settings.

    Raises:
        UsageError: as `invoker_of`.
    """
    if invoker_of(os.environ) is not None:
        from probe.machine.tools import SYSTEM_PATH

        for name in [name for name in os.environ if not _is_harmless(name)]:
            del os.environ[name]
        os.environ |= {"PATH": SYSTEM_PATH, "HOME": _home_of_root()}


def _is_harmless(name: str) -> bool:
    return name in _KEPT or name.startswith(_KEPT_BEGINNINGS) or name.endswith(_KEPT_ENDS)


def _home_of_root() -> str:
    import pwd

    return pwd.getpwuid(0).pw_dir


@contextlib.contextmanager
def acting_as_invoker() -> Iterator[None]:
    """Open and write files as the user who called sudo, where this process is still root.

    Raises:
        UsageError, PrivilegeError: as `invoker_of` and `Invoker.acting`.
    """
    invoker = invoker_of(os.environ)
    with contextlib.nullcontext() if invoker is None else invoker.acting():
        yield
