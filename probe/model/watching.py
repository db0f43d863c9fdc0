"""What `scan --watch` prints after its first report: a change, or a scan that could not be made."""

from enum import StrEnum

from msgspec import Struct

from probe.model.difference import Difference

WATCH_SCHEMA = "bindprobe.watch/1"


class WatchKind(StrEnum):
    """What came of a scan."""

    CHANGED = "changed"
    GAP = "gap"  # nothing could be measured: what happened meanwhile is not known
    RESUMED = "resumed"  # measured again


class WatchEvent(Struct, frozen=True, kw_only=True, tag_field="schema", tag=WATCH_SCHEMA):
    """One line of a watch: `difference` of what changed, or `why` there is a gap.

    A difference is between the last scan in which the address was reached and this one.
    """

    time: str  # when this scan began, RFC 3339, UTC
    kind: WatchKind
    difference: Difference | None = None
    why: str | None = None
