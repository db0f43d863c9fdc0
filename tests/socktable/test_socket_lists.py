"""Reading what tools list of sockets: real outputs, documented ones, single lines, and whatever is pasted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from socket_lists import LISTS, SocketList

from probe.errors import UsageError
from probe.model.sockets import Listener, SocketTable
from probe.socktable.table import read_socket_table

FAMILIES = {(4,): "4", (6,): "6", (4, 6): "46", None: "46?"}
EVERY = "\n".join(one.text for one in LISTS)


def row_of(listener: Listener, *, full: bool) -> str:
    """A listener as the expected rows are written; `full`: with its process or container."""
    place = str(listener.ip or "*") + (f"%{listener.device}" if listener.device else "")
    row = f"{listener.protocol} {listener.port} {place} {FAMILIES[listener.families]}"
    if not full:
        return row
    if listener.container:
        return f"{row} @{listener.container}"
    if listener.pid is None:
        return row
    return f"{row} {(listener.process or '-').replace(' ', '+')} {listener.pid}"


def rows_of(table: SocketTable, expected: tuple[str, ...]) -> list[str]:
    bare = all(len(row.split()) == 4 for row in expected)  # their processes have other numbers every time
    return sorted(row_of(one, full=not bare) for one in table.listeners)


@pytest.mark.parametrize("one", LISTS, ids=lambda one: one.name)
def test_a_list(one: SocketList) -> None:
    """What listens, on which addresses of which families, by whom; and what is listed in full."""
    table = read_socket_table(one.text)
    assert rows_of(table, one.listens) == sorted(one.listens)
    assert " ".join(table.complete) == one.complete


@pytest.mark.parametrize("one", LISTS, ids=lambda one: one.name)
def test_every_line_is_quoted_as_it_stands(one: SocketList) -> None:
    """A listener has the line that shows it, or of a container the published port."""
    for listener in read_socket_table(one.text).listeners:
        quoted = listener.line.removesuffix(f" ({listener.container})")
        assert quoted in one.text.replace("\x1b[1m", "").replace("\x1b[32m", "").replace("\x1b[0m", "")


def test_there_are_enough_of_them() -> None:
    """Forty outputs and more, no name twice."""
    assert len({one.name for one in LISTS}) == len(LISTS) >= 40


def test_processes() -> None:
    """The program and its number, where the tool lists them."""
    for one in LISTS[:1] + LISTS[5:8]:
        assert {listener.process for listener in read_socket_table(one.text).listeners} == {"python3"}


def test_addresses_of_the_machine() -> None:
    """`ip -o addr` beside gives each address its interface, also that of a tunnel with a peer."""
    (both,) = [one for one in LISTS if one.name == "ss, then addresses, then docker ps"]
    assert read_socket_table(both.text).addresses == {
        "127.0.0.1": "lo",
        "192.168.77.10": "eth0",
        "fe80::1": "eth0",
        "10.88.0.10": "wg0",
    }


@pytest.mark.parametrize("text", ["", "bash: ss: command not found", "{}", "tcp", "\x00\xff", "a b c\n" * 9])
def test_no_list(text: str) -> None:
    """What lists no sockets is refused, in one line that names what does."""
    with pytest.raises(UsageError, match="ss -tulnpe") as refused:
        read_socket_table(text)
    assert "\n" not in str(refused.value)


def test_a_list_without_end() -> None:
    """More lines than sockets there can be are refused."""
    with pytest.raises(UsageError, match="300,000 lines"):
        read_socket_table("x\n" * 300_001)


@pytest.mark.parametrize(
    "line",
    [
        "LISTEN 0 5 127.0.0.1:99999 0.0.0.0:*",
        "LISTEN 0 5 1.2.3.4.5:80 0.0.0.0:*",
        "tcp 0 0 host.example:80 0.0.0.0:* LISTEN",
        "tcp LISTEN 0 5 udp:80 0.0.0.0:*",
        "1a2b3c4d5e6f x 0.0.0.0:70000->80/tcp web",
    ],
)
def test_what_is_no_address_or_port_is_left_out(line: str) -> None:
    """A line that only looks like one adds nothing."""
    header = "State Recv-Q Send-Q Local Address:Port Peer Address:Port\n"
    assert read_socket_table(header + line).listeners == ()


@given(st.text() | st.lists(st.sampled_from(EVERY.split()) | st.text(max_size=5)).map(" ".join))
def test_whatever_is_pasted(text: str) -> None:
    """It is read, or refused in one line."""
    refused = ""
    try:
        read_socket_table(text)
    except UsageError as error:
        refused = str(error)
    assert "\n" not in refused


@given(st.data())
def test_lines_in_any_order(data: st.DataObject) -> None:
    """The lines of one list say the same in any order, and doubled."""
    one = data.draw(st.sampled_from(LISTS))
    lines = one.text.split("\n")
    mixed = data.draw(st.permutations(lines + lines[:3]))
    assert rows_of(read_socket_table("\n".join(mixed)), one.listens) == sorted(one.listens)
