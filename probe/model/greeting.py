"""Greetings: how a service is made to show itself before any login, and what it sent then."""

from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct

from probe.model.identity import Key
from probe.model.target import IPAddress, Port


class Inquiry(StrEnum):
    """What open ports are asked, to learn which addresses have the same service and machine."""

    NONE = "none"
    KEYS = "keys"  # SSH host keys and certificates
    ALL = "all"  # greetings too


class Approach(StrEnum):
    """How a port is met. An approach that is not understood is followed by the other transport, once."""

    LISTEN = "listen"  # it speaks first: nothing is sent
    WEB = "web"  # an HTTP request, over TLS where that is what it speaks
    LISTEN_TLS = "listen-tls"  # TLS, then it speaks first
    WEB_TLS = "web-tls"  # an HTTP request over TLS, plain where it speaks no TLS


@dataclass(frozen=True, slots=True)
class Call:
    """One port to be met. `likely`: it is expected to send something, so it is waited for longer."""

    address: IPAddress
    port: Port
    approach: Approach
    likely: bool = True


class Greeting(Struct, frozen=True, omit_defaults=True):
    """What a service sent of itself. Every text is printable, and short.

    `text` is the first line that it sent, of HTTP the status line; empty where it spoke TLS and then kept
    quiet. `headers` are the significant ones of an HTTP answer, their names in lower case. `binary`: the text
    stands for bytes that are none.
    """

    text: str
    status: int | None = None  # of HTTP
    headers: dict[str, str] = {}
    tls: bool = False
    binary: bool = False
    key: Key | None = None  # the certificate, with TLS

    def header(self, name: str) -> str | None:
        """Value of a header by its name in lower case."""
        return self.headers.get(name)
