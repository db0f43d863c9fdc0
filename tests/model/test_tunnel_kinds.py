"""The table of tunnels: one row a kind, and nothing that would fit two of them."""

from collections import Counter
from itertools import chain

import pytest

from probe.model.machine import TunnelKind
from probe.model.tunnel_kinds import TUNNEL_KINDS, kind_where

ROWS = TUNNEL_KINDS.values()


def test_every_kind_has_its_row() -> None:
    """All but those of which nothing is known."""
    assert set(TUNNEL_KINDS) == set(TunnelKind) - {TunnelKind.OTHER}


@pytest.mark.parametrize("field", ["drivers", "programs", "networks", "own_name", "usual_name", "word"])
def test_nothing_fits_two_kinds(field: str) -> None:
    """A driver, a program, a network or a name is one kind's."""
    found = [getattr(row, field) for row in ROWS]
    values = chain.from_iterable(one if isinstance(one, tuple) else (one,) for one in found if one)
    assert [value for value, times in Counter(values).items() if times > 1] == []


def test_every_kind_can_be_known() -> None:
    """By something of its row."""
    assert all(row.drivers or row.programs or row.networks or row.own_name for row in ROWS)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("wg-home", TunnelKind.WIREGUARD),
        ("my wireguard adapter", TunnelKind.WIREGUARD),
        ("openvpn wintun", TunnelKind.OPENVPN),
        ("home-wg", None),
        ("", None),
    ],
)
def test_usual_names(name: str, kind: TunnelKind | None) -> None:
    """By how they begin, or by a word in them."""
    assert kind_where(lambda row: row.has_usual_name(name)) == kind
