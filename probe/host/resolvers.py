"""How this machine resolves names, as it is set up. No query is sent.

A local stub, such as systemd-resolved's 127.0.0.53, is told as what it is: the server that programs ask.
"""

import sys
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from probe.model.machine import Resolvers
from probe.model.target import IPAddress

if TYPE_CHECKING:
    from dns.resolver import Resolver

RESOLV_CONF = Path("/etc/resolv.conf")
_REGISTRY = "the registry"


def read_resolvers(path: Path = RESOLV_CONF) -> Resolvers:
    """Read the name servers and search domains; on Windows from its registry.

    A file without servers means that this machine itself is asked (resolv.conf(5)): none are told then. What
    cannot be read is not told.
    """
    from dns.exception import DNSException  # noqa: PLC0415 - 0.1 s
    from dns.resolver import NoResolverConfiguration, Resolver  # noqa: PLC0415

    resolver = Resolver(configure=False)
    in_registry = sys.platform == "win32"
    source = _REGISTRY if in_registry else str(path)
    try:
        if in_registry:
            resolver.read_registry()
        else:
            with path.open(encoding="utf-8", errors="replace") as file:
                resolver.read_resolv_conf(file)
    except NoResolverConfiguration:
        return Resolvers((), _domains(resolver), source)
    except (DNSException, OSError, ValueError):  # not there, or not as resolvers write it
        return Resolvers(source=source)
    found = (_address(str(server)) for server in resolver.nameservers)
    return Resolvers(tuple(server for server in found if server is not None), _domains(resolver), source)


def _domains(resolver: "Resolver") -> tuple[str, ...]:
    """Domains that a short name gets; without any the machine's own (resolv.conf(5))."""
    named = [str(name).removesuffix(".") for name in resolver.search or [resolver.domain]]
    return tuple(name for name in named if name)


def _address(text: str) -> IPAddress | None:
    try:
        return ip_address(text)
    except ValueError:  # a server by URL (DNS over HTTPS)
        return None
