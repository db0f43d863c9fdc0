"""The table of services: consistent with itself, and right where people look first."""

import pytest

from probe.model.target import Port, Protocol
from probe.services.registry import (
    DEFAULT_PORTS,
    RANKED_PORTS,
    SERVICES,
    ServicePurpose,
    find_service,
    is_private,
    port_of,
    service_name,
)

TCP, UDP = Protocol.TCP, Protocol.UDP


@pytest.mark.parametrize(
    ("number", "protocol", "name", "private"),
    [
        (22, TCP, "ssh", False),
        (80, TCP, "http", False),
        (53, UDP, "domain", False),
        (445, TCP, "microsoft-ds", True),
        (3389, TCP, "rdp", True),
        (5432, TCP, "postgresql", True),
        (8000, TCP, "http-alt", False),
        (51820, UDP, "wireguard", False),
        (11434, TCP, "ollama", True),
        (5173, TCP, "vite", False),
        (4711, TCP, None, False),
    ],
)
def test_well_known_ports(number: int, protocol: Protocol, name: str | None, *, private: bool) -> None:
    """Ports that people look for have their name, and a mark where outsiders should not reach them."""
    port = Port(protocol, number)
    assert service_name(port) == name
    assert is_private(port) is private


def test_names_lead_to_ports() -> None:
    """A name finds its port, in any case, and an unknown one finds none."""
    assert port_of("HTTPS", TCP) == 443
    assert port_of("http-alt", TCP) == 8080
    assert port_of("ms-wbt-server", TCP) == 3389
    assert port_of("ssh", UDP) is None


def test_ranked_ports_are_all_of_the_table() -> None:
    """Each TCP port that has a name stands once, those that people look for first."""
    assert sorted(RANKED_PORTS) == sorted(
        {service.port.number for service in SERVICES if service.port.protocol is TCP}
    )
    assert set(RANKED_PORTS[:3]) == {22, 80, 443}


def test_databases_are_private() -> None:
    """No database is meant for outsiders."""
    databases = [service for service in SERVICES if service.kind is ServicePurpose.DATABASE]
    assert len(databases) > 10
    assert all(service.private for service in databases)


def test_rows_are_unique_and_names_readable_as_ports() -> None:
    """No row stands twice, and every name can be typed in a port list."""
    keys = [(service.name, service.port) for service in SERVICES]
    assert len(keys) == len(set(keys))
    assert all(any(letter.isalpha() for letter in name) for name, _ in keys)


def test_default_ports_are_few_known_tcp_services() -> None:
    """The list used without -p is short, TCP only, sorted, and each port has a name."""
    assert 20 <= len(DEFAULT_PORTS) <= 25
    assert list(DEFAULT_PORTS) == sorted(set(DEFAULT_PORTS))
    assert all(port.protocol is TCP and find_service(port) for port in DEFAULT_PORTS)
