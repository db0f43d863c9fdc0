"""Changes to valid inputs: of their bytes, of their words and lines, and of JSON's values."""

import copy
import json
import random
from collections.abc import Callable
from typing import Any

LONGEST = 20_000  # bytes of an input
ODD_BYTES = (b"\0", b"\xff", b"\xed\xa0\x80", b"\n", b"\t", b" ", b"=", b":", b"/", b"-1", b"%", b"9" * 5000)
ODD_VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 1 << 70, 10**400, 1.5, -1e308, "", "x", "\x1b[31m", "\ud800", "0", "-1"),
    *("10.8.0.0/33", "fe80::1%eth0", "0001-01-01T00:00:00Z", "2026-02-30T99:00:00+99:99", [], {}, [[]]),
)


def of_bytes(chance: random.Random, data: bytes, others: tuple[bytes, ...]) -> bytes:
    """Change bytes: flipped, cut, repeated, put in, or the end of another input."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(changed) + 1)
        kind = chance.randrange(6)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del changed[at : at + chance.randint(1, 20)]
        elif kind == 2:
            changed[at:at] = changed[at : at + chance.randint(1, 200)] * chance.randint(1, 20)
        elif kind == 3:
            changed[at:at] = chance.choice(ODD_BYTES)
        elif kind == 4:
            other = chance.choice(others)
            changed[at:] = other[chance.randrange(len(other) + 1) :]
        else:
            changed[at:at] = chance.randbytes(chance.randint(1, 40))
    return bytes(changed[:LONGEST])


def of_words(chance: random.Random, data: bytes, others: tuple[bytes, ...]) -> bytes:
    """Change words and lines: lost, doubled, exchanged, or of another input."""
    mark = chance.choice((b" ", b"\n", b"\t", b","))
    words = data.split(mark)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(words) + 1)
        kind = chance.randrange(4)
        if kind == 0 and at < len(words):
            del words[at]
        elif kind == 1 and at < len(words):
            words[at:at] = [words[at]] * chance.randint(1, 50)
        elif kind == 2:
            words[at:at] = [chance.choice(chance.choice(others).split(mark))]
        else:
            words[at:at] = [chance.choice(ODD_BYTES)]
    return mark.join(words)[:LONGEST]


def of_json(chance: random.Random, data: bytes, others: tuple[bytes, ...]) -> bytes:
    """Exchange values anywhere in a document for odd ones, and for values of other documents."""
    whole = [json.loads(data)]
    for _ in range(chance.randint(1, 4)):
        place: Any = whole
        key: Any = 0
        for _ in range(chance.randint(0, 12)):
            inner = place[key]
            if not isinstance(inner, dict | list) or not inner:
                break
            place, key = inner, chance.choice(list(inner) if isinstance(inner, dict) else range(len(inner)))
        kind = chance.randrange(4)
        if kind == 0:
            place[key] = copy.deepcopy(chance.choice(ODD_VALUES))
        elif kind == 1:
            place[key] = copy.deepcopy(_anywhere(chance, json.loads(chance.choice(others))))
        elif kind == 2:
            place[key] = [place[key]] * chance.randint(1, 3)
        elif isinstance(place, dict):
            place[chance.choice(("x", *place))] = place.pop(key)
    return json.dumps(whole[0]).encode("utf-8", "surrogatepass")


def _anywhere(chance: random.Random, value: Any) -> Any:
    while isinstance(value, dict | list) and value and chance.random() < 0.8:
        value = chance.choice(list(value.values()) if isinstance(value, dict) else value)
    return value


Mutation = Callable[[random.Random, bytes, tuple[bytes, ...]], bytes]
TEXT: tuple[Mutation, ...] = (of_bytes, of_words)
JSON: tuple[Mutation, ...] = (of_bytes, of_words, of_json, of_json, of_json)
BYTES: tuple[Mutation, ...] = (of_bytes,)
