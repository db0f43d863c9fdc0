"""Metrics of a scan, in Prometheus' text format."""

import datetime as dt
import re

from demo_scans import demo, scanned
from msgspec import structs

from probe.report.prometheus import METRICS, render_prometheus

BEGAN = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
NAME = r"[a-z_]+"
LABEL = rf'{NAME}="(?:[^"\\\n]|\\[\\n"])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{{LABEL}(?:,{LABEL})*\}})? -?[0-9.]+(?:e[+-][0-9]+)?")
REPORT = scanned(demo())


def samples(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_a_scan() -> None:
    """Each metric once with its help and type, its samples together, every line in the format's grammar."""
    text = render_prometheus(REPORT, BEGAN)
    lines = samples(text)
    assert all(SAMPLE.fullmatch(line) for line in lines)
    assert [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")] == list(METRICS)
    order = [re.split(r"[ {]", line)[0] for line in lines]
    assert order == sorted(order, key=list(METRICS).index)
    assert "bindprobe_scan_success 1" in lines
    assert f"bindprobe_scan_timestamp_seconds {BEGAN.timestamp():.15g}" in lines


def test_what_is_open_and_exposed() -> None:
    """Of each port on each address; what was not known has no sample."""
    lines = samples(render_prometheus(REPORT, BEGAN))
    of_mysql = '{port="3306",protocol="tcp",service="mysql",address="203.0.113.10",realm="public"}'
    assert f"bindprobe_port_open{of_mysql} 1" in lines
    assert f"bindprobe_private_exposed{of_mysql} 1" in lines
    of_web = '{port="8000",protocol="tcp",service="http-alt",address="10.88.0.10",realm="vpn"}'
    assert f"bindprobe_port_open{of_web} 0" in lines
    (binding,) = [line for line in lines if line.startswith('bindprobe_port_binding{port="8000"')]
    assert 'binding="specific",bound_to="192.168.77.10"} 0.9' in binding
    known = [structs.replace(one, state=None) for one in REPORT.ports[0].observations]
    unknown = structs.replace(REPORT, ports=(structs.replace(REPORT.ports[0], observations=tuple(known)),))
    assert not [line for line in samples(render_prometheus(unknown, BEGAN)) if "port_open" in line]


def test_an_address_that_is_not_reached() -> None:
    """With its condition."""
    lines = samples(render_prometheus(scanned(demo(dead=["vpn"])), BEGAN))
    assert 'bindprobe_address_reached{address="10.88.0.10",realm="vpn"} 0' in lines
    assert 'bindprobe_address_reached{address="192.168.77.10",realm="lan"} 1' in lines
    assert 'bindprobe_address_condition{address="10.88.0.10",realm="vpn",condition="host-down"} 1' in lines


def test_nothing_measured() -> None:
    """Then only that, and when."""
    assert samples(render_prometheus(None, BEGAN)) == [
        "bindprobe_scan_success 0",
        f"bindprobe_scan_timestamp_seconds {BEGAN.timestamp():.15g}",
    ]


def test_labels_are_escaped() -> None:
    """Quotes, backslashes and line ends, as a realm of the user's own may have."""
    (first, *others) = REPORT.addresses
    odd = structs.replace(REPORT, addresses=(structs.replace(first, realm='a"b\\c\nd'), *others))
    text = render_prometheus(odd, BEGAN)
    assert r'realm="a\"b\\c\nd"' in text
    assert all(SAMPLE.fullmatch(line) for line in samples(text))
