"""What a program writes to a peer that it does not serve. Pure.

It is read in what services send first. A wrong password or a missing login is no refusal of the peer, and
neither is a server that is full.
"""

import re

from probe.model.greeting import Greeting

FORBIDDEN = 403  # HTTP (RFC 9110 section 15.5.4)
UNAUTHORIZED = 401
_SERVED = 400  # a status below it

# MySQL's errors 1129 and 1130, Redis in protected mode, PostgreSQL, and what mail, FTP and news servers say.
_DENIES = re.compile(
    r"\bnot allowed\b|\bnot permitted\b|\bis blocked\b|\b(?:access|connection|permission) (?:is )?denied\b"
    r"|^-DENIED\b|\bno pg_hba\.conf entry\b|^5\d\d[ -].*\b(?:denied|refused|rejected|blocked)\b",
    re.IGNORECASE,
)


def denies(greeting: Greeting) -> bool:
    """Whether a service that speaks first refuses this peer in words."""
    return greeting.status is None and _DENIES.search(greeting.text) is not None


def forbids(greeting: Greeting) -> bool:
    """Whether a web server answers that the page is forbidden: to this peer, or to everybody."""
    return greeting.status == FORBIDDEN


def serves(greeting: Greeting) -> bool:
    """Whether a web server serves the page, or asks for a login."""
    return greeting.status is not None and (greeting.status < _SERVED or greeting.status == UNAUTHORIZED)
