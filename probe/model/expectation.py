"""What a target is expected to be: which ports are bound to what, who reaches them, and what stays inside."""

from enum import StrEnum

from msgspec import Struct

from probe.model.binding import Binding
from probe.model.target import Port

CHECK_SCHEMA = "bindprobe.check/1"


class PortExpectation(Struct, frozen=True, kw_only=True):
    """What is expected of one port; what is None or empty is not checked.

    `bound_to` has realms and addresses. `answers`, by realm or address: the words of which one must hold,
    each a state, a reason or a condition. `lines` are those of the file, by key; "" has that of the port.
    """

    port: Port
    bindings: tuple[Binding, ...] = ()
    bound_to: tuple[str, ...] = ()
    answers: dict[str, tuple[str, ...]] = {}
    lines: dict[str, int] = {}


class Expectations(Struct, frozen=True, kw_only=True):
    """A file: the target's addresses by realm, realms that must reach no private service, and ports."""

    addresses: dict[str, tuple[str, ...]] = {}
    running: str | None = None
    never: tuple[str, ...] = ()
    never_line: int | None = None
    ports: tuple[PortExpectation, ...] = ()


class CheckOutcome(StrEnum):
    """How an expectation compares with what was found."""

    MET = "met"
    UNMET = "unmet"
    UNSETTLED = "unsettled"  # the answers leave it open


class CheckedExpectation(Struct, frozen=True, kw_only=True):
    """One expectation and what was found. `about`: `binding`, `bound_to`, `private`, a realm, an address."""

    outcome: CheckOutcome
    port: str
    about: str
    expected: str
    found: str
    line: int | None = None
    text: str = ""


class CheckReport(Struct, frozen=True, kw_only=True, tag_field="schema", tag=CHECK_SCHEMA):
    """All expectations of a file, compared with one report."""

    started: str
    complete: bool
    checked: tuple[CheckedExpectation, ...]
