"""What changed between two reports of one target: values, made into sentences last."""

from enum import StrEnum

from msgspec import Struct

from probe.model.report import PortNumber
from probe.model.target import Protocol

DIFF_SCHEMA = "bindprobe.diff/1"


class DifferenceRule(StrEnum):
    """What changed: of a port on some addresses, of a port, or of an address."""

    OPENED = "opened"
    CLOSED = "closed"  # refused now, and open before
    BLOCKED = "blocked"  # no answer or an ICMP error now, and open or refused before
    UNBLOCKED = "unblocked"  # refused now, and blocked before
    MOVED = "moved"  # bound otherwise
    KEYS_CHANGED = "keys-changed"  # of the service
    CONDITION_CHANGED = "condition-changed"  # of the path to an address
    OWNER_CHANGED = "owner-changed"  # who answers on an address


class Difference(Struct, frozen=True, kw_only=True):
    """One thing that changed. `port` null: it is about the addresses themselves.

    `before` and `after` are states, bindings (with the addresses bound to), keys, conditions or owners.
    """

    rule: DifferenceRule
    port: PortNumber | None = None
    protocol: Protocol | None = None
    service: str | None = None
    private: bool = False
    addresses: tuple[str, ...] = ()
    before: str
    after: str
    text: str = ""


class DiffReport(Struct, frozen=True, kw_only=True, tag_field="schema", tag=DIFF_SCHEMA):
    """All that changed, and what only one of the reports has."""

    old: str  # when it was measured, RFC 3339
    new: str
    differences: tuple[Difference, ...]
    only_old: tuple[str, ...] = ()  # addresses and ports
    only_new: tuple[str, ...] = ()
