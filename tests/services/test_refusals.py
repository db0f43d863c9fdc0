"""What programs write to a peer that they do not serve, and what is no such thing."""

import pytest

from probe.model.greeting import Greeting
from probe.services.refusals import denies, forbids, serves

REFUSED = [
    "MySQL error 1130: Host '10.88.0.2' is not allowed to connect to this MySQL server",
    "MySQL error 1129: Host '10.88.0.2' is blocked because of many connection errors",
    "-DENIED Redis is running in protected mode",
    "554 5.7.1 Service unavailable; client host blocked",
    "Connection denied",
]
SERVED = [
    "SSH-2.0-OpenSSH_9.2",
    "220 ready",
    "-NOAUTH Authentication required.",
    "421 too many connections, try again later",
    "250 nothing is denied here",
    "",
]


@pytest.mark.parametrize("text", REFUSED)
def test_words_of_a_refusal(text: str) -> None:
    """They are about the peer."""
    assert denies(Greeting(text))


@pytest.mark.parametrize("text", SERVED)
def test_words_that_are_none(text: str) -> None:
    """A greeting, a missing login and a full server turn nobody away."""
    assert not denies(Greeting(text))


@pytest.mark.parametrize(
    ("status", "forbidden", "served"),
    [(200, False, True), (302, False, True), (401, False, True), (403, True, False), (404, False, False)],
)
def test_pages(status: int, forbidden: bool, served: bool) -> None:  # noqa: FBT001 - columns of the table
    """Only a 403 forbids, and a page that is not there is neither; words of a page are not read."""
    page = Greeting(f"HTTP/1.1 {status} access denied", status)
    assert (forbids(page), serves(page), denies(page)) == (forbidden, served, False)
    assert not forbids(Greeting("403"))
    assert not serves(Greeting("200"))
