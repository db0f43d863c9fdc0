"""Replacing what names a network in every text of a value or a report, wherever it stands. Pure.

A value is what msgspec makes of a Struct: lists, dicts, texts and numbers.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import IPv6Address, ip_network
from itertools import count
from typing import Any, TypeVar

from msgspec import Struct

from probe.model.encoding import as_builtins, from_builtins
from probe.model.machine import Network
from probe.model.target import IPAddress
from probe.redact.addresses import bare, is_plain, read_address, replacements

_ADDRESS = re.compile(
    r"(?<![\w.:])(?P<ip>\d{1,3}(?:\.\d{1,3}){3}(?![\w.])|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:\.\d{1,3}){0,3}"
    r"(?:%[\w.-]+)?(?![\w:]))(?:/(?P<prefix>\d{1,3})(?!\w))?"
)
_LINK_ADDRESS = re.compile(r"\b[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}\b")
_KEY = re.compile(r"(?<![\w+/])[A-Za-z0-9+/]{43}=(?![\w+/=])")  # 32 bytes in base64, as WireGuard writes keys
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]+")
_USUAL_INTERFACE = re.compile(
    r"lo|(?:eth|wlan|wg|tun|tap|utun|br|docker|ppp|tailscale|ens|eno|wlp\d+s|enp\d+s)\d+|lan|vpn|public|wan"
)
_INTERFACES = frozenset({"interface", "interfaces", "tunnel_name", "through"})
_HOST = "host"  # stands for the key `name` where the name is that of an address
_NAME_CHECK = "name "  # begins the name of the doctor's check of a name
_SHORT_KEY = 8  # characters of a key that sentences show

Value = object
T = TypeVar("T", bound=Struct)


class Redaction:
    """Replacements, made of all values beforehand, so that the same is replaced by the same in all of them.

    Args:
        values: everything that will be replaced, as lists, dicts, texts and numbers.
    """

    def __init__(self, values: Iterable[Value]) -> None:
        found = [(key, text) for value in values for key, text in _texts(value, "")]
        addresses, networks = _met_in(text for _, text in found)
        self._replaced = replacements(addresses, networks)
        texts = [text for _, text in found]
        checked = (text.removeprefix(_NAME_CHECK) for key, text in found if key == "check")
        names = sorted({text for key, text in found if key == _HOST} | {c for c in checked if "." in c})
        self._names = {name: f"host{n}.example" for n, name in enumerate(names, 1)}
        self._vantages = _numbered("vantage", (text for key, text in found if key == "vantage"))
        links = (text for key, text in found if key in _INTERFACES and not _USUAL_INTERFACE.fullmatch(text))
        self._interfaces = _numbered("link", links)
        macs = sorted({m.lower() for text in texts for m in _LINK_ADDRESS.findall(text)} - {"ff" + ":ff" * 5})
        unmet = (made for n in count(1) if (made := _link_address(n)) not in macs)
        self._link_addresses = dict(zip(macs, unmet, strict=False))
        keys = sorted({key for text in texts for key in _KEY.findall(text)})
        self._keys = {key: _key(n) for n, key in enumerate(keys, 1)}
        prints = sorted({mark for text in texts for mark in _FINGERPRINT.findall(text)})
        self._fingerprints = {mark: f"SHA256:{_key(n)[:-1]}" for n, mark in enumerate(prints, 1)}

    def of(self, value: Value, key: str = "") -> Value:
        """A value with everything replaced; `key` is the one under which it stands."""
        if isinstance(value, str):
            return self._text(value, key)
        if isinstance(value, list | tuple):
            return [self.of(one, key) for one in value]
        if isinstance(value, dict):
            return {self._text(str(k), ""): self.of(one, _key_of(k, value)) for k, one in value.items()}
        return value

    def _text(self, text: str, key: str) -> str:
        by_key: Mapping[str, Mapping[str, str]] = {
            _HOST: self._names,
            "vantage": self._vantages,
            **dict.fromkeys(_INTERFACES, self._interfaces),
        }
        if key in by_key:
            return by_key[key].get(text, text)
        for pattern, known in (
            (_FINGERPRINT, self._fingerprints),
            (_KEY, self._keys),
            (_LINK_ADDRESS, self._link_addresses),
        ):
            text = pattern.sub(_lookup(known), text)
        text = _ADDRESS.sub(self._address, text)
        return self._named(text) if " " in text else self._names.get(text, text)

    def _address(self, found: re.Match[str]) -> str:
        """Another address, or network, or an address with the length of its network's prefix."""
        network = _network_of(found)
        if network is not None and network in self._replaced.networks:
            return str(self._replaced.networks[network])
        ip = read_address(found["ip"])
        other = None if ip is None or is_plain(ip) else self._replaced.addresses.get(bare(ip))
        if other is None:
            return found[0]
        scope = ip.scope_id if isinstance(ip, IPv6Address) else None
        text = str(other) if scope is None else f"{other}%{self._interfaces.get(scope, scope)}"
        return text if found["prefix"] is None else f"{text}/{found['prefix']}"

    def _named(self, text: str) -> str:
        """A sentence with its names replaced, and interfaces, and keys as far as sentences show them.

        A word alone may be one of a closed list, whatever an interface is called.
        """
        whole = {**self._names, **self._interfaces}
        short = {old[:_SHORT_KEY]: new[:_SHORT_KEY] for old, new in self._keys.items()}
        for old, new in (whole | short).items():
            if old in text:
                text = re.sub(rf"(?<![\w.-]){re.escape(old)}(?![\w-])", new, text)
        return text


def _lookup(known: Mapping[str, str]) -> Callable[[re.Match[str]], str]:
    return lambda found: known.get(found[0]) or known.get(found[0].lower()) or found[0]


def _texts(value: Value, key: str) -> Iterator[tuple[str, str]]:
    """Every text of a value with the key under which it stands; keys are texts too."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one, key)
    elif isinstance(value, dict):
        for name, one in value.items():
            yield "", str(name)
            yield from _texts(one, _key_of(name, value))


def _key_of(name: object, of: Mapping[Any, object]) -> str:
    """The key that a value goes by: whose name a `name` is shows by what it stands beside."""
    if name == "name" and ("ip" in of or "address" in of):
        return _HOST
    return "interface" if name == "name" and "running" in of else str(name)


def _met_in(texts: Iterable[str]) -> tuple[set[IPAddress], set[Network]]:
    """The addresses and networks of some texts. An address with a prefix has both."""
    addresses: set[IPAddress] = set()
    networks: set[Network] = set()
    for text in texts:
        for found in _ADDRESS.finditer(text):
            network, ip = _network_of(found), read_address(found["ip"])
            if network is not None:
                networks.add(network)
            if ip is not None and (network is None or network.network_address != ip):
                addresses.add(ip)
            if network is None and ip is not None and int(found["prefix"] or 256) < ip.max_prefixlen:
                networks.add(ip_network(f"{bare(ip)}/{found['prefix']}", strict=False))
    return addresses, networks


def _network_of(found: re.Match[str]) -> Network | None:
    """The network that a text is; None where it has no prefix, names a host, or is no network."""
    ip, prefix = read_address(found["ip"]), found["prefix"]
    if ip is None or prefix is None or int(prefix) >= ip.max_prefixlen:
        return None
    try:
        return ip_network(f"{bare(ip)}/{prefix}")
    except ValueError:
        return None


def _numbered(word: str, texts: Iterable[str]) -> dict[str, str]:
    return {text: f"{word}{n}" for n, text in enumerate(sorted(set(texts)), 1)}


def _link_address(number: int) -> str:
    """A locally administered address (IEEE 802, section 8.2.2)."""
    return ":".join(f"{byte:02x}" for byte in (0x02, 0, *number.to_bytes(4)))


def _key(number: int) -> str:
    """As long as a key of 32 bytes in base64, and none."""
    return f"key{number}".ljust(43, "0") + "="


def redacted_report(report: T) -> T:
    """Replace everything in a report that names a network, in its sentences and commands too."""
    plain = as_builtins(report)
    return from_builtins(Redaction([plain]).of(plain), type(report))
