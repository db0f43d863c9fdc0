"""What a sentence is about: a port or several, and the addresses of the target with their realms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from probe.explain.phrases import listed, named
from probe.model.target import Protocol, Realm
from probe.services.port_list import parse_ports

_LONGEST_LIST = 40  # characters of a list of ports that a sentence takes
_FLAGS: Mapping[str, str] = {
    Realm.LAN: "--lan ",
    Realm.VPN: "--vpn ",
    Realm.PUBLIC: "--public ",
    Realm.LOOPBACK: "",
}


@dataclass(frozen=True, slots=True)
class Places:
    """The target's addresses in their order, each with its realm."""

    realms: Mapping[str, str]

    def named(self, addresses: Sequence[str]) -> str:
        """Addresses as prose, each with its realm where it has one: 10.8.0.10 (vpn) and 192.168.1.2 (lan)."""
        return listed([self._named(address) for address in addresses])

    def _named(self, address: str) -> str:
        realm = self.realms.get(address)
        return address if realm is None else named(address, realm)

    def doctor_command(self) -> str:
        """The command line that examines the same addresses."""
        flags = (f"{_FLAGS.get(realm, f'{realm}=')}{address}" for address, realm in self.realms.items())
        return f"bindprobe doctor {' '.join(flags)}"


@dataclass(frozen=True, slots=True)
class Subject:
    """The port, or the ports that share a verdict, as ranges; `service` of one port alone."""

    ports: str
    protocol: Protocol
    places: Places
    service: str | None = None

    @property
    def title(self) -> str:
        """The ports as the subject of a sentence."""
        if len(self.ports) > _LONGEST_LIST:
            return f"each of {len(parse_ports(self.ports)):,} {self.protocol} ports"
        return f"{self.label} ({self.service})" if self.service else self.label

    @property
    def label(self) -> str:
        """The ports as the object of a sentence."""
        return "these ports" if len(self.ports) > _LONGEST_LIST else f"{self.ports}/{self.protocol}"
