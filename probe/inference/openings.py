"""Which ports a policy lets pass: how usual each way is, and its shares. Data; judged, not measured."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Opening(StrEnum):
    """Which ports a policy lets pass."""

    SELECTIVE = "selective"  # where it denies, those of services that are to be reached; else all but some
    LOOSE = "loose"  # many, whatever listens there
    TIGHT = "tight"  # hardly any
    LISTED = "listed"  # those of one list for the whole host
    ALL = "all"  # there is no rule for any port


# Shares of ports that pass: of a service that listens beyond loopback, and of the others.
LET_IN: Final[Mapping[Opening, tuple[float, float]]] = {
    Opening.SELECTIVE: (0.68, 0.15),
    Opening.LOOSE: (0.42, 0.34),
    Opening.TIGHT: (0.1, 0.06),
    Opening.LISTED: (0.62, 0.13),
}
LISTED_ALONE: Final = 0.3  # share of addresses that follow a list, as long as nothing is known of the others
DENIES: Final[Mapping[Opening, float]] = {
    Opening.SELECTIVE: 0.4 * (1 - LISTED_ALONE),
    Opening.LOOSE: 0.3 * (1 - LISTED_ALONE),
    Opening.TIGHT: 0.3 * (1 - LISTED_ALONE),
    Opening.LISTED: LISTED_ALONE,
}
ACCEPTS: Final[Mapping[Opening, float]] = {Opening.SELECTIVE: 0.45, Opening.ALL: 0.55}
ONE: Final[Mapping[Opening, float]] = {Opening.SELECTIVE: 1.0}


def list_share(*, exposed: bool) -> float:
    """How likely the one list of a host has a port."""
    return LET_IN[Opening.LISTED][0 if exposed else 1]
