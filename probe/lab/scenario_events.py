"""What happens to a scenario's network while it is scanned, as data: timed events.

Lives here: the shape of this part of the files. What an event does packet by packet belongs to the worlds; so
far only the one in memory has a clock that it can happen on.
"""

from enum import StrEnum

from probe.lab.scenario_hosts import Rule, Strict


class Happening(StrEnum):
    """What happens."""

    STOP = "stop"  # the listeners of `ports` end
    START = "start"  # they begin: before that nothing listens there
    DOWN = "down"  # the target is off
    CUT = "cut"  # the links `on` carry nothing any more
    UNPLUG = "unplug"  # the prober's own links `on` lose their carrier
    LOSE_ADDRESS = "lose-address"  # the prober's addresses on these links are gone
    LOSE_ROUTE = "lose-route"  # its routes by these links are gone
    FILTER = "filter"  # the target's filter gets `rule`, before its others


LASTING = frozenset({Happening.LOSE_ADDRESS, Happening.LOSE_ROUTE})  # nobody undoes these


class Event(Strict, frozen=True, kw_only=True):
    """One event. With `for_ms` it is undone after so long: a service that restarts, a link that flaps."""

    at_ms: float  # after the first packet could be sent
    does: Happening
    ports: str | None = None  # in the command line's syntax; none: every port
    on: tuple[str, ...] = ()  # realms
    rule: Rule | None = None
    for_ms: float | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: it lacks what it is about, or cannot be undone.
        """
        if (self.rule is not None) is not (self.does is Happening.FILTER):
            raise ValueError("'rule' belongs to 'does: filter', and to nothing else")
        if self.for_ms is not None and self.does in LASTING:
            raise ValueError(f"'{self.does}' is not undone: leave out 'for_ms'")
