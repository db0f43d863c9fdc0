"""Which service shows itself in what it sends first, whatever its port. Pure.

Only marks that no other program sends are read: what is not known for sure names nothing.
"""

import re
from collections.abc import Iterable

from probe.model.greeting import Greeting
from probe.model.target import Port
from probe.services.registry import SERVICES, is_private, service_name

# What is sent first, or in answer to a request that the service does not speak, and the service's name.
_OF_TEXTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"SSH-\d"), "ssh"),  # RFC 4253 section 4.2
    (re.compile(r"MySQL (?:handshake|error)"), "mysql"),  # as probe.services.banner_text writes it
    # RESP, the protocol of Redis and Valkey: its errors, a login missing, protected mode
    (re.compile(r"-(?:ERR (?:unknown command|wrong number of)|NOAUTH |DENIED Redis)"), "redis"),
    (re.compile(r"RFB \d{3}\.\d{3}"), "vnc"),  # RFC 6143 section 7.1.1
)
_OF_SERVERS: tuple[tuple[re.Pattern[str], str], ...] = (  # the HTTP header `Server`
    (re.compile(r"CouchDB/"), "couchdb"),
    (re.compile(r"Docker/"), "docker"),
    (re.compile(r"MinIO"), "minio"),
    (re.compile(r"MiniServ/"), "webmin"),
)
_PRIVATE = {service.name: service.private for service in SERVICES}


def shown_service(greeting: Greeting) -> str | None:
    """The name of the service that a greeting is of; None where it could be another's."""
    if greeting.status is not None:
        return _first(_OF_SERVERS, greeting.header("server") or "")
    return _first(_OF_TEXTS, greeting.text)


def _first(marks: Iterable[tuple[re.Pattern[str], str]], text: str) -> str | None:
    return next((name for mark, name in marks if mark.match(text)), None)


def served_on(port: Port, greetings: Iterable[Greeting]) -> tuple[str | None, bool]:
    """Name of the service on a port, and whether it should stay inside.

    What shows itself counts before what customarily uses the port. Of several services one that should stay
    inside is named.
    """
    shown = [name for one in greetings if (name := shown_service(one)) is not None]
    if not shown:
        return service_name(port), is_private(port)
    name = max(shown, key=lambda one: _PRIVATE[one])
    return name, _PRIVATE[name]
