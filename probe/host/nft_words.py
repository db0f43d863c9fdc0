"""A rule of nft's JSON (libnftables-json(5)) in the short words of nft itself. Pure.

Made for the eye: `iifname wg0 tcp dport 8000 drop`. What has no words of its own here is named by its parts.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

_DEEPEST = 12
_MOST_SHOWN = 12  # elements of a set
_UNQUALIFIED = frozenset({"iif", "oif", "iifname", "oifname", "iiftype", "oiftype", "skuid", "skgid"})
_SILENT: Final = frozenset({"==", "in"})
_BITWISE = frozenset({"&", "|", "^", "<<", ">>"})
_PRESENCE = {True: "exists", False: "missing"}


def verdict_words(kind: str, value: Any) -> str:  # noqa: ANN401 - JSON
    """`drop`, or `reject with icmpx admin-prohibited`."""
    if kind != "reject" or not isinstance(value, dict):
        return kind
    return " ".join(["reject with", *(words(value[key]) for key in ("type", "expr") if key in value)])


def match_words(value: Any) -> str:  # noqa: ANN401 - JSON
    """What a rule compares: `tcp dport != 22`."""
    if not isinstance(value, dict):
        return ""
    left, operator = value.get("left"), value.get("op")
    masked = isinstance(left, dict) and not _BITWISE.isdisjoint(left)
    parts = (left, None if operator in _SILENT and not masked else operator, value.get("right"))
    return " ".join(words(part) for part in parts if part is not None)


def limit_words(value: Any) -> str:  # noqa: ANN401 - JSON
    """`limit rate over 3/minute`."""
    if not isinstance(value, dict):
        return "limit"
    over = "over " if value.get("inv") else ""
    return f"limit rate {over}{words(value.get('rate'))}/{words(value.get('per'))}"


def words(value: Any, depth: int = 0) -> str:  # noqa: ANN401 - JSON
    """One side of a comparison: `tcp dport`, `10.8.0.0/24`, `{ 80, 443 }`."""
    if depth > _DEEPEST:
        return "..."
    if isinstance(value, bool):
        return _PRESENCE[value]
    if isinstance(value, list):
        return "|".join(words(item, depth + 1) for item in value[:_MOST_SHOWN])
    if not isinstance(value, dict):
        return str(value)
    return " ".join(_of_kind(kind, inner, depth + 1) for kind, inner in value.items())


def _of_kind(kind: str, inner: Any, depth: int) -> str:  # noqa: ANN401 - JSON
    if kind in _BITWISE:
        return f" {kind} ".join(_each(inner, depth))
    made_for, say = _KINDS.get(kind, (type(None), None))
    known = say(inner, depth) if say is not None and isinstance(inner, made_for) else None
    return known or f"{kind} {words(inner, depth)}"


def _each(inner: Any, depth: int) -> list[str]:  # noqa: ANN401 - JSON
    return [words(item, depth) for item in inner] if isinstance(inner, list) else [words(inner, depth)]


def _field(inner: Mapping[str, Any], depth: int) -> str | None:
    names = [inner[key] for key in ("protocol", "field") if key in inner]
    return " ".join(words(name, depth) for name in names) or None


def _meta(inner: Mapping[str, Any], depth: int) -> str:
    key = words(inner.get("key"), depth)
    return key if key in _UNQUALIFIED else f"meta {key}"


def _conntrack(inner: Mapping[str, Any], depth: int) -> str:
    parts = [inner[key] for key in ("dir", "key") if key in inner]
    return " ".join(["ct", *(words(part, depth) for part in parts)])


def _fib(inner: Mapping[str, Any], depth: int) -> str:
    flags = " . ".join(_each(inner.get("flags"), depth))
    return f"fib {flags} {words(inner.get('result'), depth)}"


def _set(inner: list[Any], depth: int) -> str:
    shown = _each(inner[:_MOST_SHOWN], depth)
    more = ["..."] if len(inner) > _MOST_SHOWN else []
    return "{ " + ", ".join(shown + more) + " }"


def _prefix(inner: Mapping[str, Any], depth: int) -> str:
    return f"{words(inner.get('addr'), depth)}/{words(inner.get('len'), depth)}"


# Of each kind of operand: the JSON type that its words are made for, and how.
_KINDS: Final[Mapping[str, tuple[type, Callable[[Any, int], str | None]]]] = {
    "payload": (dict, _field),
    "meta": (dict, _meta),
    "ct": (dict, _conntrack),
    "fib": (dict, _fib),
    "prefix": (dict, _prefix),
    "elem": (dict, lambda inner, depth: words(inner.get("val"), depth)),
    "set": (list, _set),
    "range": (list, lambda inner, depth: "-".join(_each(inner, depth))),
    "concat": (list, lambda inner, depth: " . ".join(_each(inner, depth))),
}
