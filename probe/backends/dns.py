"""What each name server has for a name, asked one by one past the system's resolver.

Lives here: the questions to the servers that this machine is set up with. What it means that they disagree is
concluded elsewhere.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address
from itertools import islice
from typing import TYPE_CHECKING, cast

from probe.model.exam import NameAnswer
from probe.model.machine import Resolvers
from probe.model.target import IPAddress
from probe.model.unread import NameFailure, NameFailureRule

if TYPE_CHECKING:
    import dns.message

TIMEOUT_S = 1.0  # for each question; all are asked at once
_PORT = 53
MOST_ADDRESSES = 32  # of one kind; a datagram of 512 bytes (RFC 1035 section 4.2.1) has room for fewer
_MOST_SERVERS = 4  # glibc asks three (resolv.conf(5), MAXNS)
_MOST_CANDIDATES = 3  # of a name with search domains
_TYPES = ("A", "AAAA")
_THREADS = 16
_SILENCE = NameFailure(rule=NameFailureRule.NO_ANSWER, timeout_s=TIMEOUT_S)


def ask_servers(
    names: Sequence[str], resolvers: Resolvers, port: int = _PORT
) -> Mapping[str, tuple[NameAnswer, ...]]:
    """Ask every server for the addresses of every name: A and AAAA, over UDP, all at once.

    A name without a dot is tried with the search domains first, as in resolv.conf(5). `port` is for tests.
    """
    servers = (resolvers.servers or ())[:_MOST_SERVERS]
    asked = [(name, server) for name in dict.fromkeys(names) for server in servers]
    if not asked:
        return {}
    ask = partial(_ask, resolvers.search, port)
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        answers = list(pool.map(lambda pair: ask(*pair), asked))
    return {
        name: tuple(answer for (of, _), answer in zip(asked, answers, strict=True) if of == name)
        for name, _ in asked
    }


def candidates(name: str, search: Sequence[str]) -> tuple[str, ...]:
    """The names that stand for one that somebody typed, in the order of trying (`ndots:1`)."""
    bare = name.removesuffix(".")
    if name.endswith("."):
        return (bare,)
    longer = tuple(f"{bare}.{domain.strip('.')}" for domain in search if domain.strip("."))
    ordered = (bare, *longer) if "." in bare else (*longer, bare)
    return ordered[:_MOST_CANDIDATES]


def _ask(search: Sequence[str], port: int, name: str, server: IPAddress) -> NameAnswer:
    """What one server has: the first candidate that has addresses, or its answer to the last."""
    answer = NameAnswer(server, ())
    for candidate in candidates(name, search):
        answer = _addresses_of(candidate, server, port)
        if answer.addresses or answer.failure == _SILENCE:
            break
    return answer


def _addresses_of(name: str, server: IPAddress, port: int) -> NameAnswer:
    """Both kinds of address of one exact name, asked at the same time."""
    with ThreadPoolExecutor(max_workers=len(_TYPES)) as pool:
        replies = list(pool.map(partial(_query, name, server, port), _TYPES))
    found = tuple(ip for reply in replies if not isinstance(reply, NameFailure) for ip in reply)
    failures = [reply for reply in replies if isinstance(reply, NameFailure)]
    return NameAnswer(server, found, None if found or not failures else failures[0])


def _query(name: str, server: IPAddress, port: int, kind: str) -> tuple[IPAddress, ...] | NameFailure:
    """One question to one server; the addresses at the end of the name's aliases, or why there are none."""
    import dns.exception  # noqa: PLC0415 - only names need it
    import dns.message  # noqa: PLC0415
    import dns.query  # noqa: PLC0415

    try:
        question = dns.message.make_query(name, kind)
        reply = cast(
            "dns.message.QueryMessage", dns.query.udp(question, str(server), timeout=TIMEOUT_S, port=port)
        )
        return read_answer(reply)
    except dns.exception.Timeout:
        return _SILENCE
    except dns.exception.DNSException as problem:
        return NameFailure(rule=NameFailureRule.UNREADABLE, code=type(problem).__name__)
    except OSError as problem:
        return NameFailure(rule=NameFailureRule.UNREACHABLE, code=problem.strerror)


def read_answer(reply: "dns.message.QueryMessage") -> tuple[IPAddress, ...] | NameFailure:
    """The addresses at the end of the name's aliases, or why there are none.

    Raises:
        dns.exception.DNSException: what is in the message does not hang together with its question, or its
            aliases have no end.
    """
    import dns.rcode  # noqa: PLC0415 - only names need it

    if reply.rcode() == dns.rcode.NXDOMAIN:
        return NameFailure(rule=NameFailureRule.NO_SUCH_NAME)
    if reply.rcode() != dns.rcode.NOERROR:
        return NameFailure(rule=NameFailureRule.RESPONSE_CODE, code=dns.rcode.to_text(reply.rcode()))
    records = reply.resolve_chaining().answer or ()
    return tuple(ip_address(record.address) for record in islice(records, MOST_ADDRESSES))
