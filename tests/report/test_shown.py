"""What services showed, as the report has it and in a few words."""

import pytest
from sample_reports import LAN, observation
from varied import replace

from probe.model.greeting import Greeting
from probe.report import document

PAGE = Greeting("HTTP/1.1 301", 301, {"server": "nginx", "location": "/login", "etag": "a"})

WORDS = {
    "nothing": (None, None),
    "a line": (Greeting("220 ready"), 'sends "220 ready"'),
    "a page": (PAGE, 'sends "HTTP/1.1 301", server nginx, location /login'),
    "a page by TLS": (replace(PAGE, headers={}, tls=True), 'sends "HTTP/1.1 301", over TLS'),
    "quiet in TLS": (Greeting("", tls=True), "sends nothing, over TLS"),
}


@pytest.mark.parametrize("name", WORDS)
def test_greetings(name: str) -> None:
    """In words: the line, the software, where it leads, and that it was encrypted."""
    greeting, words = WORDS[name]
    assert document.greeting_words(observation(LAN, greeting=greeting)) == words
