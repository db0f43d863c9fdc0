"""Whether two greetings are of one service: compared on what is stable in them."""

import pytest
from address_builder import HTTPS, LAN, VPN, greeting, survey, web
from hypothesis import given
from hypothesis import strategies as st

from probe.inference.same_service import Likeness, likeness, shortened, software, stable
from probe.model.greeting import Greeting

SAME, OTHER, UNLIKE = Likeness
NGINX = {"server": "nginx/1.22.1"}

COMPARED = {
    "one line": (greeting("220 ready"), greeting("220 ready"), SAME),
    "two lines": (greeting("220 ready"), greeting("220 other"), OTHER),
    "SSH versions": (greeting("SSH-2.0-OpenSSH_9.2p1"), greeting("SSH-2.0-OpenSSH_9.6"), OTHER),
    "SMTP with the time in it": (
        greeting("220 mail ESMTP; Sun, 22 Nov 2026 14:21:20 +0100 (CET)"),
        greeting("220 mail ESMTP; Mon, 23 Nov 2026 4:01:02 +0000 (UTC)"),
        SAME,
    ),
    "two mail servers at one time": (
        greeting("220 a.example ESMTP; Sun, 22 Nov 2026 14:21:20 +0100"),
        greeting("220 b.example ESMTP; Sun, 22 Nov 2026 14:21:20 +0100"),
        OTHER,
    ),
    "a date as ctime writes it": (
        greeting("x Sun Nov 22 14:21:20 2026"),
        greeting("x Mon Nov  2 01:02:03 2026"),
        SAME,
    ),
    "a date as ISO writes it": (
        greeting("x 2026-11-22T14:21:20.5Z"),
        greeting("x 2026-11-23T01:02:03.25Z"),
        SAME,
    ),
    "a stamp of POP3": (greeting("+OK <1896.697170952@mail>"), greeting("+OK <99.1@mail>"), SAME),
    "a session's number": (
        greeting("220 mx ESMTP a1b2c3d4e5f60718 ok"),
        greeting("220 mx ESMTP f0e1d2c3b4a59687 ok"),
        SAME,
    ),
    "a long number": (greeting("pid 123456"), greeting("pid 98765"), SAME),
    "its own address": (greeting(f"220 {LAN} ready"), greeting(f"220 {VPN} ready"), SAME),
    "bytes": (greeting("\\x01", binary=True), greeting("\\x01", binary=True), SAME),
    "other bytes": (greeting("\\x01", binary=True), greeting("\\x02", binary=True), UNLIKE),
    "bytes beside text": (greeting("\\x01", binary=True), greeting("220 ready"), UNLIKE),
    "one page": (web(**NGINX), web(**NGINX), SAME),
    "one page whose length holds the address": (
        web(**NGINX, content_length="5"),
        web(**NGINX, content_length="6"),
        SAME,
    ),
    "two pages": (web(**NGINX, etag='"a"'), web(**NGINX, etag='"b"'), UNLIKE),
    "forbidden on one address": (web(**NGINX), web(403, **NGINX), UNLIKE),
    "a redirect to itself": (
        web(301, **NGINX, location=f"https://{LAN}/"),
        web(301, **NGINX, location=f"https://{VPN}/"),
        SAME,
    ),
    "other software": (web(**NGINX), web(server="Apache/2.4.57 (Debian)"), OTHER),
    "another version": (web(**NGINX), web(server="nginx/1.24.0"), OTHER),
    "the version is kept back": (web(**NGINX), web(server="nginx"), UNLIKE),
    "no software named": (web(), web(404), UNLIKE),
    "software named on one": (web(), web(**NGINX), UNLIKE),
    "the web beside a greeting": (web(), greeting("220 ready"), OTHER),
    "TLS on one": (web(**NGINX), web(**NGINX, tls=True), OTHER),
    "silent in TLS on one": (greeting("", tls=True), web(tls=True), UNLIKE),
    "silent in TLS on both": (greeting("", tls=True), greeting("", tls=True), UNLIKE),
}


@pytest.mark.parametrize("name", COMPARED)
def test_compared(name):
    """Either way round: the same, another service, or one that may be both."""
    one, two, expected = COMPARED[name]
    lan, vpn = survey(LAN, greetings=one), survey(VPN, greetings=two)
    assert (likeness(lan, vpn, HTTPS), likeness(vpn, lan, HTTPS)) == (expected, expected)


@given(st.text(max_size=160))
def test_any_text_is_like_itself(text):
    """What is stable is found in any text, in bounded time."""
    assert stable(Greeting(text), LAN) == stable(Greeting(text), LAN)
    lan, vpn = (survey(ip, greetings=greeting(text)) for ip in (LAN, VPN))
    assert likeness(lan, vpn, HTTPS) in ({SAME} if text else {UNLIKE})


NAMES = {
    "its software": (web(**NGINX), "nginx/1.22.1"),
    "its line": (greeting("220 ready"), "220 ready"),
    "its status": (web(404), "HTTP 404"),
    "nothing": (greeting("", tls=True), ""),
    "a long one": (greeting("x" * 90), "x" * 45 + "..."),
}


@pytest.mark.parametrize("name", NAMES)
def test_software(name):
    """What a service is called in sentences."""
    sent, expected = NAMES[name]
    assert software(sent[HTTPS]) == expected
    assert shortened(expected) == expected
