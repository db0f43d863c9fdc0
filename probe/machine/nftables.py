"""What `nft -j list ruleset` prints (libnftables-json(5)): what may drop this machine's packets. Pure.

Lives here: nft's expressions as the rules that `rule_walk` walks through, from the chains at the hooks
`input` and `output`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from probe.machine.filter_rules import Act, FirewallRule, FirewallStep, blocking
from probe.model.machine import Chain, Hook

# --- a rule in nft's words ---


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
    silent = isinstance(operator, str) and operator in _SILENT and not masked
    parts = (left, None if silent else operator, value.get("right"))
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
    made_for, write = _KINDS.get(kind, (type(None), None))
    known = write(inner, depth) if write is not None and isinstance(inner, made_for) else None
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


# --- the ruleset ---


_FAMILIES = frozenset({"ip", "ip6", "inet"})
_HOOKS = frozenset(Hook)
_CONDITIONS = {"match": match_words, "limit": limit_words}
_BLOCKING = frozenset({"drop", "reject"})
_JUMPS = frozenset({"jump", "goto"})
_LEAVING = {"return": Act.RETURN, "accept": Act.ACCEPT}
_XT_BLOCKING = {"REJECT": "reject", "DROP": "drop"}
_NO_CONDITIONS = frozenset({*_BLOCKING, *_JUMPS, *_LEAVING, "vmap", "counter", "log", "mangle", "notrack"})

Place = tuple[str, str, str]  # family, table, name of a chain or map


class _Chain(msgspec.Struct):
    family: str
    table: str
    name: str
    hook: str | None = None
    policy: str | None = None


class _Rule(msgspec.Struct):
    family: str
    table: str
    chain: str
    expr: list[dict[str, Any]] = []


class _Map(msgspec.Struct):
    family: str
    table: str
    name: str
    elem: list[Any] = []


class _Object(msgspec.Struct):
    chain: _Chain | None = None
    rule: _Rule | None = None
    map: _Map | None = None


@dataclass(frozen=True, slots=True)
class Ruleset:
    """What a ruleset holds. `opaque`: family and table of rules made by iptables that nft cannot read.

    `names`: of all its tables and chains.
    """

    chains: tuple[Chain, ...]
    opaque: frozenset[tuple[str, str]] = frozenset()
    names: frozenset[str] = frozenset()


def parse_ruleset(text: str) -> Ruleset | None:
    """Read a ruleset; None where the text is none. An object that is not as it should be is left out."""
    try:
        raw = msgspec.json.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    items = raw.get("nftables") if isinstance(raw, dict) else None
    if not isinstance(items, list):
        return None
    objects = [found for found in map(_object, items) if found is not None]
    maps = {_place(o.map): o.map.elem for o in objects if o.map}
    rules = _rules(objects, maps)
    chains = (_chain(o.chain, rules) for o in objects if o.chain)
    return Ruleset(
        tuple(chain for chain in chains if chain is not None),
        frozenset((o.rule.family, o.rule.table) for o in objects if o.rule and _is_opaque(o.rule)),
        frozenset(name for o in objects if o.chain for name in (o.chain.table, o.chain.name)),
    )


def _object(item: Any) -> _Object | None:  # noqa: ANN401 - JSON
    try:
        return msgspec.convert(item, _Object)
    except msgspec.ValidationError:
        return None


def _place(named: _Chain | _Map) -> Place:
    return named.family, named.table, named.name


def _is_opaque(rule: _Rule) -> bool:
    """Whether a rule has parts that only iptables can read, and nft (before 1.0.6) does not even name."""
    return any(expression.get("xt", True) is None for expression in rule.expr)


def _chain(base: _Chain, rules: Mapping[Any, Sequence[FirewallRule]]) -> Chain | None:
    """Find what blocks in a chain; None where nothing does, or it does not see this machine's packets."""
    if base.hook not in _HOOKS or base.family not in _FAMILIES:
        return None
    policy = ("policy drop",) if base.policy == "drop" else ()
    ways = (*blocking(rules, _place(base)), *policy)
    return Chain("nft", base.family, base.table, base.name, Hook(base.hook), ways) if ways else None


def _rules(objects: list[_Object], maps: Mapping[Place, list[Any]]) -> Mapping[Any, Sequence[FirewallRule]]:
    rules: dict[Place, list[FirewallRule]] = {}
    for raw in (o.rule for o in objects if o.rule):
        conditions: list[str] = []
        steps: list[FirewallStep] = []
        for kind, value in (item for expression in raw.expr for item in expression.items()):
            conditions += _condition(kind, value)
            steps += _steps(raw, kind, value, maps)
        rules.setdefault((raw.family, raw.table, raw.chain), []).append(
            FirewallRule(tuple(conditions), tuple(steps))
        )
    return rules


def _condition(kind: str, value: Any) -> list[str]:  # noqa: ANN401 - JSON
    """One expression as a condition; nothing where it is none, such as a counter or a verdict."""
    if kind in _CONDITIONS:
        return [_CONDITIONS[kind](value)]
    if kind in _NO_CONDITIONS or _xt_target(kind, value):
        return []
    return [f"({kind})"]


def _steps(raw: _Rule, kind: str, value: Any, maps: Mapping[Place, list[Any]]) -> list[FirewallStep]:  # noqa: ANN401 - JSON
    """What one expression does with a packet; nothing where it only looks at it."""
    if kind == "vmap" and isinstance(value, dict):
        return _mapped(raw, value, maps)
    if kind in _LEAVING:
        return [FirewallStep(_LEAVING[kind])]
    if kind in _BLOCKING:
        return [FirewallStep(Act.BLOCK, verdict_words(kind, value))]
    if kind in _JUMPS and isinstance(value, dict):
        return [FirewallStep(Act.ENTER, into=(raw.family, raw.table, str(value.get("target"))))]
    target = _xt_target(kind, value)
    return [FirewallStep(Act.BLOCK, target)] if target else []


def _xt_target(kind: str, value: Any) -> str | None:  # noqa: ANN401 - JSON
    """What an extension of iptables does, where it blocks."""
    return _XT_BLOCKING.get(str(value.get("name"))) if kind == "xt" and isinstance(value, dict) else None


def _mapped(raw: _Rule, vmap: Mapping[str, Any], maps: Mapping[Place, list[Any]]) -> list[FirewallStep]:
    """What a verdict map does, for each of its elements; it stands in the rule or has a name."""
    data = vmap.get("data")
    if isinstance(data, str):
        elements = maps.get((raw.family, raw.table, data.removeprefix("@")))
    else:
        elements = data.get("set") if isinstance(data, dict) else None
    steps = []
    for element in elements if isinstance(elements, list) else ():
        match element:
            case [key, dict() as verdicts]:
                only = f"{words(vmap.get('key'))} {words(key)}"
                found = (_steps(raw, kind, value, {}) for kind, value in verdicts.items() if kind != "vmap")
                steps += [replace(step, only=only) for several in found for step in several]
    return steps
