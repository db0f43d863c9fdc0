"""The small phrases that sentences are made of: lists, numbers, addresses, access lists."""

from collections.abc import Mapping, Sequence

from probe.model.target import IPAddress, Realm

_SHOWN = 3
_ALMOST = 0.995
_HARDLY = 0.005
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))  # seconds
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def listed(items: Sequence[str]) -> str:
    """Join words as prose: a, b and c."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def few(items: Sequence[str], shown: int = _SHOWN) -> str:
    """The first ones, separated by commas, and the number of the others."""
    more = f" and {len(items) - shown} more" if len(items) > shown else ""
    return ", ".join(items[:shown]) + more


def named_of_many(names: Sequence[str], most: int) -> str:
    """Names as prose; of more than `most` the first ones, and the number of the others."""
    return listed(names) if len(names) <= most else f"{', '.join(names[:most])} and {len(names) - most} more"


def realm_words(realm: str, count: int) -> str:
    """A realm as prose: the LAN, or the name that the user gave it; `count` of its addresses are meant."""
    if realm == Realm.PUBLIC:
        return "the public address" if count == 1 else "the public addresses"
    return f"the {realm.upper()}" if realm in {Realm.LAN, Realm.VPN} else realm


def percent(probability: float) -> str:
    """A probability as people read it: nothing is certain, nothing that is listed impossible."""
    if probability >= _ALMOST:
        return ">99%"
    if probability < _HARDLY:
        return "<1%"
    return f"{probability:.0%}"


def lasting(seconds: float) -> str:
    """A duration in the largest unit of which there are two."""
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def spelled(count: int) -> str:
    """A small number as a word."""
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def named(ip: IPAddress | str, realm: str) -> str:
    """An address with its realm."""
    return f"{ip} ({realm})"


_WEB = "the allow and deny rules of the web server"
_LISTS: Mapping[str, str] = {
    "ssh": "hosts.allow/deny, sshd_config (AllowUsers, Match)",
    "mysql": "skip-networking and the hosts of its users (SELECT user, host FROM mysql.user)",
    "postgresql": "pg_hba.conf",
    "redis": "protected-mode, bind and requirepass in redis.conf",
    **dict.fromkeys(("http", "https", "http-alt", "https-alt"), _WEB),
}


def access_list(service: str | None) -> str:
    """The place to look, by the customary service of the port."""
    return _LISTS.get(service or "", "its access list (hosts.allow/deny, configuration)")
