"""Why this machine, or a name server, reported nothing of something: closed lists, with their values."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct


class UnreadRule(StrEnum):
    """Why this machine reported nothing."""

    NEEDS_ROOT = "needs-root"  # only root may read it
    NO_TOOL = "no-tool"  # none of `tools` is installed
    TOOL_FAILED = "tool-failed"  # `tools` were asked, and gave nothing
    OTHER_SYSTEM = "other-system"  # nobody is asked on this kind of system


class Unread(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why something could not be read, and the values that belong to it."""

    rule: Annotated[UnreadRule, Meta(description="Why it could not be read.")]
    tools: Annotated[tuple[str, ...], Meta(description="Tools that would have it, or that were asked.")] = ()
    interface: Annotated[str | None, Meta(description="The interface that they were asked for.")] = None
    complaints: Annotated[
        tuple[str, ...], Meta(description="What they complained of, in their words; empty: of nothing.")
    ] = ()


class NameFailureRule(StrEnum):
    """Why a name server gave no address."""

    NO_ANSWER = "no-answer"  # within `timeout_s`
    NO_SUCH_NAME = "no-such-name"  # NXDOMAIN (RFC 1035)
    UNREADABLE = "unreadable"  # an answer that is no DNS message, or not one to the question; `code`: which
    UNREACHABLE = "unreachable"  # `code`: the system's word for it
    RESPONSE_CODE = "response-code"  # an error of the server's own; `code`: its name (RFC 6895)


class NameFailure(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a name server gave no address, and the values that belong to it."""

    rule: Annotated[NameFailureRule, Meta(description="Why there is none.")]
    timeout_s: Annotated[float | None, Meta(description="Seconds that it was waited for.")] = None
    code: Annotated[str | None, Meta(description="The server's code, or the system's word.")] = None
