"""Whole scans of services that misbehave: no verdict changes, no format breaks, all in bounds."""

import json
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack, closing
from ipaddress import ip_address

import pytest
from hostile_servers import ALL
from key_servers import serving

from probe.app.scan import scan
from probe.app.session import Backends
from probe.backends.clients import SystemClients
from probe.backends.connect import ConnectBackend
from probe.backends.system_host import SystemHost
from probe.model.greeting import Inquiry
from probe.model.plan import Timing
from probe.model.report import PortReport, Report
from probe.model.target import Port, Protocol, ResolvedTarget, TargetAddress
from probe.report.as_csv import render_csv
from probe.report.as_json import render_json, render_ndjson
from probe.report.explanation import render_explanation
from probe.report.markdown import render_markdown
from probe.report.table import render_table
from probe.services.selection import MOST_GREETED

FEWEST = 63  # behaviours
HERE, THERE = ip_address("127.0.0.1"), ip_address("127.0.0.2")
MOST_BYTES = 10_000_000  # of memory
LONGEST_S = 4.0  # that asking adds; thrice that on a busy machine
GROUPS = [list(ALL)[at : at + MOST_GREETED] for at in range(0, len(ALL), MOST_GREETED)]  # each is asked whole


@pytest.fixture
def numbers(names: list[str]) -> Iterator[list[int]]:
    """The ports of the behaviours, each on two addresses."""
    with ExitStack() as stack:
        found = []
        for name in names:
            found.append(stack.enter_context(serving(ALL[name])))
            stack.enter_context(serving(ALL[name], str(THERE), found[-1]))
        yield found


def scanned(numbers: list[int], inquiry: Inquiry) -> tuple[Report, float, int]:
    """A scan, the seconds that it took, and the most memory that it held."""
    target = ResolvedTarget(
        tuple(TargetAddress(ip, realm) for ip, realm in ((HERE, "lan"), (THERE, "public"))),
        tuple(Port(Protocol.TCP, number) for number in numbers),
    )
    tracemalloc.start()
    began = time.monotonic()
    with closing(ConnectBackend()) as backend, closing(SystemClients()) as clients:
        backends = Backends(backend, SystemHost(), inquiry=inquiry, clients=clients)
        report = scan(target, Timing(), backends)
    took = time.monotonic() - began
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return report, took, most


def test_there_are_enough() -> None:
    """Services that misbehave, each in a way of its own."""
    assert len({id(serve) for serve in ALL.values()}) == len(ALL) >= FEWEST


@pytest.mark.parametrize("names", GROUPS, ids=lambda names: names[0])
def test_no_service_changes_a_verdict(names: list[str], numbers: list[int]) -> None:
    """What services send leaves bindings and conditions as they are, in bounded time and memory."""
    plain, at_least, _ = scanned(numbers, Inquiry.NONE)
    asked, took, most = scanned(numbers, Inquiry.ALL)
    named = dict(zip(numbers, names, strict=True))
    before, after = ({named[one.port]: verdict(one) for one in report.ports} for report in (plain, asked))
    assert after == before
    assert most < MOST_BYTES
    assert took - at_least < 3 * LONGEST_S
    assert len(json.loads(render_json(asked))["ports"]) == len(names)
    for text in texts(asked):
        assert all(line.isprintable() for line in text.splitlines())


def verdict(port: PortReport) -> tuple[object, ...]:
    """What is concluded of a port."""
    return port.binding, port.bound_to, [one.condition for one in port.observations]


def texts(report: Report) -> Iterator[str]:
    """The report in every format, and what explains each port."""
    for render in (render_table, render_csv, render_markdown, render_json, render_ndjson):
        yield render(report)
    for one in report.ports:
        yield render_explanation(report, Port(Protocol.TCP, one.port))
