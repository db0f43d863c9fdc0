"""Greetings from bytes: what is text, what is HTTP, and that nothing in them can do harm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.model.greeting import Greeting
from probe.services.banner_text import MOST_TEXT, is_alert, parse_greeting

MYSQL = b"\x0a8.0.36\0" + b"\x07\0\0\0saltsalt\0" + bytes(20)
FRAMED = len(MYSQL).to_bytes(3, "little") + b"\0" + MYSQL
OK = b"HTTP/1.1 200 OK\r\n"
OK_TEXT = "HTTP/1.1 200 OK"
SERVER = {"server": "nginx/1.22.1"}

READ = {
    "nothing": (b"", None),
    "blanks only": (b" \r\n\0\r\n"[:3], None),
    "a line": (b"220 ready\r\n", Greeting("220 ready")),
    "no line's end": (b"220 ready", Greeting("220 ready")),
    "the first of two": (b"220-mail\r\n220 ready\r\n", Greeting("220-mail")),
    "SSH": (b"SSH-2.0-OpenSSH_9.2p1\r\n\0\0\1", Greeting("SSH-2.0-OpenSSH_9.2p1")),
    "UTF-8": ("220 schön\n".encode(), Greeting("220 schön")),
    "another encoding": (b"220 sch\xf6n\n", Greeting("220 sch\\xf6n")),
    "an escape sequence": (b"\x1b[2J\x1b]0;x\x07\n", Greeting("\\x1b[2J\\x1b]0;x\\x07", binary=True)),
    "text that is reordered": ("a\u202eb\u2028c".encode(), Greeting("a\\u202eb\\u2028c")),
    "C1 controls": (b"a\xc2\x9b31m", Greeting("a\\x9b31m")),
    "telnet": (b"\xff\xfd\x18\xff\xfb\x01", Greeting("\\xff\\xfd\\x18\\xff\\xfb\\x01", binary=True)),
    "megabytes": (b"x" * 1_000_000, Greeting("x" * (MOST_TEXT - 3) + "...")),
    "MySQL": (FRAMED, Greeting("MySQL handshake, 8.0.36")),
    "MySQL that refuses the peer": (
        b"\x0e\0\0\0\xff\x6a\x04not allowed",
        Greeting("MySQL error 1130: not allowed"),
    ),
    "MySQL, cut off": (FRAMED[:20], Greeting(f"{chr(len(MYSQL))}\\x00\\x00\\x00", binary=True)),
    "HTTP": (OK + b"Server: nginx/1.22.1\r\n\r\n", Greeting(OK_TEXT, 200, SERVER)),
    "HTTP/1.0 with bare line ends": (
        b"HTTP/1.0 404\nserver:nginx/1.22.1\n\nServer: x",
        Greeting("HTTP/1.0 404", 404, SERVER),
    ),
    "HTTP/2 in words": (b"HTTP/2 204 \r\n", Greeting("HTTP/2 204", 204)),
    "the significant headers, in one order": (
        OK + b"Date: now\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\nETAG: 1a\r\nContent-Type: text/html\r\n",
        Greeting(OK_TEXT, 200, {"content-type": "text/html", "etag": "1a", "content-length": "5"}),
    ),
    "the first of two headers": (
        OK + b"Server: a\r\nServer: b\r\n",
        Greeting(OK_TEXT, 200, {"server": "a"}),
    ),
    "a location's secrets": (
        OK + b"Location: /login?token=secret#here\r\n",
        Greeting(OK_TEXT, 200, {"location": "/login"}),
    ),
    "no header": (OK + b"Server\r\nnginx\r\n", Greeting(OK_TEXT, 200)),
    "a header bomb": (OK + b"X: y\r\n" * 100 + b"Server: late\r\n", Greeting(OK_TEXT, 200)),
    "a header's escape sequence": (
        OK + b"Server: \x1b[31m\0\r\n",
        Greeting(OK_TEXT, 200, {"server": "\\x1b[31m\\x00"}),
    ),
    "a long header": (
        OK + b"Server: " + b"s" * 9999,
        Greeting(OK_TEXT, 200, {"server": "s" * 157 + "..."}),
    ),
    "no status": (b"HTTP/1.1 OK\r\n", Greeting("HTTP/1.1 OK")),
    "a status of four digits": (b"HTTP/1.1 2000 OK\r\n", Greeting("HTTP/1.1 2000 OK")),
}


@pytest.mark.parametrize("name", READ)
def test_read(name):
    """What each kind of service sends first, and what is reported of it."""
    data, expected = READ[name]
    assert parse_greeting(data) == expected


@given(st.one_of(st.binary(max_size=600), st.binary(max_size=600).map(lambda data: OK + b"Server: " + data)))
def test_any_bytes(data):
    """Whatever arrives: every text is short and printable, and no date or cookie is kept."""
    found = parse_greeting(data)
    texts = [] if found is None else [found.text, *found.headers.values()]
    assert all(text.isprintable() and len(text) <= MOST_TEXT for text in texts)


@pytest.mark.parametrize(
    ("data", "alert"), [(b"\x15\x03\x01\0\x02\x02F", True), (b"HTTP", False), (b"", False)]
)
def test_alerts(data, alert):
    """TLS reports by an alert that it was not spoken to in TLS."""
    assert is_alert(data) is alert


def test_a_header_is_found_by_its_name():
    """In lower case; None where there is none."""
    greeting = Greeting(OK_TEXT, 200, SERVER)
    assert (greeting.header("server"), greeting.header("etag")) == ("nginx/1.22.1", None)
