"""What services send without names: software stays, and what is alike stays alike."""

from ipaddress import ip_address

import pytest

from probe.inference.same_service import Likeness, likeness
from probe.model.facts import AddressSurvey
from probe.model.greeting import Greeting
from probe.model.target import Port, Protocol, TargetAddress
from probe.redact.measurements import GreetingRedaction

ONE, TWO = ip_address("10.0.0.1"), ip_address("10.0.0.2")
PORT = Port(Protocol.TCP, 80)


def page(**headers: str) -> Greeting:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Greeting("HTTP/1.1 200 Intranet of Acme", 200, named)


# what one address sends, what the other does
PAIRS = [
    (Greeting("220 mail.acme.example ESMTP Postfix"), Greeting("220 mail.acme.example ESMTP Postfix")),
    (Greeting("220 mail.acme.example ESMTP Postfix"), Greeting("220 mx.acme.example ESMTP Exim")),
    (Greeting("220 10.0.0.1 ready"), Greeting("220 10.0.0.2 ready")),
    (Greeting("SSH-2.0-OpenSSH_9.2 acme-1"), Greeting("SSH-2.0-OpenSSH_9.2 acme-2")),
    (Greeting("SSH-2.0-OpenSSH_9.2"), Greeting("SSH-2.0-dropbear")),
    (Greeting("MySQL handshake, 8.0.36"), Greeting("MySQL handshake, 8.0.36-acme")),
    (Greeting(r"\x01acme", binary=True), Greeting(r"\x01acme", binary=True)),
    (Greeting("", tls=True), Greeting("220 acme", tls=True)),
    (page(server="nginx/1.22 (acme)"), page(server="nginx/1.22 (acme)")),
    (page(server="nginx/1.22 (acme)"), page(server="nginx/1.22 (other)")),
    (page(server="nginx/1.22"), page(server="nginx/1.24")),
    (page(location="http://10.0.0.1/acme"), page(location="http://10.0.0.2/acme")),
    (page(etag='"acme"', content_type="text/html"), page(etag='"other"', content_type="text/html")),
    (page(server=""), page(server="Apache/2.4.57 (acme) OpenSSL/3")),
]


def compared(one: Greeting, two: Greeting) -> Likeness:
    surveys = [
        AddressSurvey(TargetAddress(ip, "lan"), (), greetings={PORT: greeting})
        for ip, greeting in ((ONE, one), (TWO, two))
    ]
    return likeness(*surveys, PORT)


@pytest.mark.parametrize(("one", "two"), PAIRS)
def test_likeness_is_kept(one: Greeting, two: Greeting) -> None:
    """Two greetings are alike, other, or unlike as they were; no name is left."""
    redaction = GreetingRedaction()
    new = redaction.of(one, ONE), redaction.of(two, TWO)
    assert compared(*new) is compared(one, two)
    assert "acme" not in str(new).lower()


def test_software_stays() -> None:
    """A version is no secret of the network, and the inference distinguishes services by it."""
    redaction = GreetingRedaction()
    assert (
        redaction.of(Greeting("SSH-2.0-OpenSSH_9.2p1 Debian-2 acme"), ONE).text == "SSH-2.0-OpenSSH_9.2p1 1"
    )
    assert redaction.of(page(server="nginx/1.22.1 (acme)"), ONE).headers == {"server": "nginx/1.22.1 (2)"}
    assert redaction.of(page(), ONE).text == "HTTP/1.1 200"
