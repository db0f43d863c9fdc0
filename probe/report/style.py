"""How a text is laid out for its reader. Decided by the caller: the formats know no terminal."""

from typing import NamedTuple


class TextStyle(NamedTuple):
    """`width` in columns; `unicode`: box-drawing characters may be used; `colour`: ANSI colours too.

    `detail` adds evidence, rivals and the cost of the scan. `every_row`: many ports that
    read alike have a row each.
    """

    width: int = 80
    unicode: bool = False
    colour: bool = False
    detail: bool = False
    every_row: bool = False


PLAIN = TextStyle()
