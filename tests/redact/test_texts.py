"""Everything that names a network, in every text of a value."""

import pytest

from probe.redact.texts import Redaction

KEY = "VlEjQxcm7D3Gjm7ri+oITi24sP3pUOZlQnHryRFpNRk="

# a text, and what becomes of it beside the others
TEXTS = [
    ("ping 192.168.1.20 0.3 ms", "ping 192.168.0.1 0.3 ms"),
    ("from [2a00:1::5]:51820 to 8.8.8.8:53", "from [2001:db8::1]:51820 to 192.0.2.1:53"),
    ("allowed IPs 10.9.8.0/24,0.0.0.0/0", "allowed IPs 10.0.1.0/24,0.0.0.0/0"),
    ("10.9.8.7/32 and 10.9.0.0/16", "10.0.1.1/32 and 10.0.0.0/16"),
    ("fe80::9%eth0 and fe80::9%enx525400123456", "fe80::1%eth0 and fe80::1%link2"),
    ("neighbour 52:54:00:AB:34:56", "neighbour 02:00:00:00:00:01"),
    ("broadcast ff:ff:ff:ff:ff:ff", "broadcast ff:ff:ff:ff:ff:ff"),
    (f"wg set wg0 peer {KEY}", f"wg set wg0 peer {'key1':0<43}="),
    ("peer VlEjQxcm, never", "peer key10000, never"),
    ("key SHA256:abcDEF/x", f"key SHA256:{'key1':0<43}"),
    ("nas.acme.example answers", "host2.example answers"),
    ("not-nas.acme.example, nas.acme.example-2", "not-nas.acme.example, nas.acme.example-2"),
    ("on 127.0.0.1 and ::1, at 12:03:10, version 1.2.3", "on 127.0.0.1 and ::1, at 12:03:10, version 1.2.3"),
    ("1.2.3.4.5 and 999.1.1.1 are no addresses", "1.2.3.4.5 and 999.1.1.1 are no addresses"),
    ("dev enx525400123456", "dev link2"),
    ("control", "control"),
    ("by control, a tunnel", "by link1, a tunnel"),
    ("nas.acme.example", "host2.example"),
]
WHOLE = {
    "texts": [text for text, _ in TEXTS],
    "addresses": [{"address": "192.168.1.20", "name": "nas.acme.example", "realm": "acme", "n": 1}],
    "chains": [{"name": "input", "interfaces": ["eth0", "enx525400123456", "control"]}],
    "vantage": "laptop.acme.example",
    "realms": {"192.168.1.20": "acme", "8.8.8.8": "public"},
    "check": "name mail.acme.example",
    "found": "mail.acme.example has no address",
    "nothing": None,
}


@pytest.fixture(scope="module")
def redaction() -> Redaction:
    return Redaction([WHOLE])


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_texts(text: str, expected: str, redaction: Redaction) -> None:
    """Addresses, networks, link addresses, keys, names and interfaces are replaced wherever they stand."""
    assert redaction.of(text) == expected


def test_by_their_key(redaction: Redaction) -> None:
    """What is a name by where it stands is replaced whatever it looks like; other names stay."""
    whole = redaction.of(WHOLE)
    assert isinstance(whole, dict)
    assert whole["addresses"] == [
        {"address": "192.168.0.1", "name": "host2.example", "realm": "acme", "n": 1}
    ]
    assert whole["chains"] == [{"name": "input", "interfaces": ["eth0", "link2", "link1"]}]
    assert whole["realms"] == {"192.168.0.1": "acme", "192.0.2.1": "public"}
    assert (whole["vantage"], whole["nothing"]) == ("vantage1", None)
    assert (whole["check"], whole["found"]) == ("name host1.example", "host1.example has no address")
