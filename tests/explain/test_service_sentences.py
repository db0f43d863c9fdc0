"""One service or several behind a port: the groups, and their sentences."""

import pytest
from address_builder import HTTPS, LAN, PUBLIC, SSH, VPN, greeting, ssh, survey, tls, web
from in_words import sentences

from probe.inference.same_service import service_evidence, services_of
from probe.model.binding import Proof, Served
from probe.model.target import Port, Protocol

KEY, CERTIFICATE, PUBLIC_KEY, GREETING = Proof
NGINX, APACHE = {"server": "nginx/1.22.1"}, {"server": "Apache/2.4.57"}


def shows(*, keys=None, greetings=None) -> dict:
    return {"keys": keys or {}, "greetings": greetings or {}}


# What the addresses showed -> the services, and the sentences.
BEHIND = {
    "nothing was shown": ((LAN, shows()), (VPN, shows()), [], []),
    "shown on one address only": ((LAN, shows(greetings=web())), (VPN, shows()), [], []),
    "one certificate": (
        (LAN, shows(keys=tls("a"), greetings=web(**NGINX, tls=True))),
        (PUBLIC, shows(keys=tls("a"), greetings=web(**NGINX, tls=True))),
        [Served((LAN, PUBLIC), "nginx/1.22.1", (CERTIFICATE, GREETING))],
        ["same service on 192.168.77.10 and 203.0.113.10 (nginx/1.22.1, same certificate)"],
    ),
    "one certificate, no greeting": (
        (LAN, shows(keys=tls("a"))),
        (PUBLIC, shows(keys=tls("a"))),
        [Served((LAN, PUBLIC), None, (CERTIFICATE,))],
        ["same service on 192.168.77.10 and 203.0.113.10 (same certificate)"],
    ),
    "one certificate, other software": (
        (LAN, shows(keys=tls("a"), greetings=web(**NGINX))),
        (VPN, shows(keys=tls("a"), greetings=web(**APACHE))),
        [Served((LAN, VPN), "nginx/1.22.1", (CERTIFICATE,))],
        ["same service on 192.168.77.10 and 10.88.0.10 (nginx/1.22.1, same certificate)"],
    ),
    "a renewed certificate": (
        (LAN, shows(keys=tls("a", public_key="k"), greetings=web(**NGINX))),
        (VPN, shows(keys=tls("b", public_key="k"), greetings=web(**NGINX))),
        [Served((LAN, VPN), "nginx/1.22.1", (PUBLIC_KEY, GREETING))],
        ["same service on 192.168.77.10 and 10.88.0.10 (nginx/1.22.1, certificates of one key)"],
    ),
    "they greet alike": (
        (LAN, shows(greetings=greeting("220 ready"))),
        (VPN, shows(greetings=greeting("220 ready"))),
        [Served((LAN, VPN), "220 ready", (GREETING,))],
        ["perhaps the same service on 192.168.77.10 and 10.88.0.10: same banner (220 ready)"],
    ),
    "they greet alike, each with a certificate": (
        (LAN, shows(keys=tls("a"), greetings=web(**NGINX))),
        (VPN, shows(keys=tls("b"), greetings=web(**NGINX))),
        [Served((LAN,), "nginx/1.22.1"), Served((VPN,), "nginx/1.22.1")],
        [],
    ),
    "other software on the public address": (
        (LAN, shows(greetings=web(**NGINX))),
        (PUBLIC, shows(greetings=web(**APACHE))),
        [Served((LAN,), "nginx/1.22.1", (), (PUBLIC,)), Served((PUBLIC,), "Apache/2.4.57", (), (LAN,))],
        [
            (
                "443/tcp is another service on the public address 203.0.113.10"
                " (HTTP 200, Apache/2.4.57) than on 192.168.77.10 (HTTP 200, nginx/1.22.1)"
            )
        ],
    ),
    "a line beside a page": (
        (LAN, shows(greetings=greeting("220 ready"))),
        (VPN, shows(greetings=web(301, location="/login"))),
        [Served((LAN,), "220 ready", (), (VPN,)), Served((VPN,), "HTTP 301", (), (LAN,))],
        [("443/tcp is another service on 10.88.0.10 (HTTP 301, /login) than on 192.168.77.10 (220 ready)")],
    ),
    "forbidden on one": (
        (LAN, shows(greetings=web(**NGINX))),
        (PUBLIC, shows(greetings=web(403, **NGINX))),
        [Served((LAN,), "nginx/1.22.1"), Served((PUBLIC,), "nginx/1.22.1")],
        [
            (
                "443/tcp answers differently on the public address 203.0.113.10 (HTTP 403, nginx/1.22.1)"
                " and 192.168.77.10 (HTTP 200, nginx/1.22.1): one service, or two"
            )
        ],
    ),
    "silent in TLS": (
        (LAN, shows(keys=tls("a"), greetings=greeting("", tls=True))),
        (VPN, shows(keys=tls("b"), greetings=greeting("", tls=True))),
        [Served((LAN,)), Served((VPN,))],
        [],
    ),
}


@pytest.mark.parametrize("name", BEHIND)
def test_behind_a_port(name):
    """The services of two addresses, by what these showed, and in words."""
    *shown, served, expected = BEHIND[name]
    surveys = [survey(ip, **facts) for ip, facts in shown]
    assert services_of(HTTPS, surveys) == tuple(served)
    assert sentences(service_evidence(HTTPS, surveys), HTTPS, surveys) == expected


def test_host_keys_decide():
    """Before greetings: two keys are two services, whatever they greet with."""
    surveys = [
        survey(LAN, keys=ssh("a"), greetings=greeting("SSH-2.0-x", SSH)),
        survey(VPN, keys=ssh("b"), greetings=greeting("SSH-2.0-x", SSH)),
        survey(PUBLIC, keys=ssh("a")),
    ]
    assert services_of(SSH, surveys) == (
        Served((LAN, PUBLIC), "SSH-2.0-x", (KEY,), (VPN,)),
        Served((VPN,), "SSH-2.0-x", (), (LAN, PUBLIC)),
    )
    assert sentences(service_evidence(SSH, surveys), SSH, surveys) == [
        "same service on 192.168.77.10 and 203.0.113.10 (SSH-2.0-x, same SSH host key)",
        (
            "22/tcp is another service on 10.88.0.10 than on 192.168.77.10 and 203.0.113.10:"
            " their host keys differ"
        ),
    ]


def test_a_third_address_joins_two():
    """Like each of two that could not be compared with each other."""
    surveys = [
        survey(LAN, keys=tls("a")),
        survey(VPN, greetings=web(**NGINX)),
        survey(PUBLIC, keys=tls("a"), greetings=web(**NGINX)),
    ]
    assert services_of(HTTPS, surveys) == (
        Served((LAN, VPN, PUBLIC), "nginx/1.22.1", (CERTIFICATE, GREETING)),
    )


def test_other_ports_show_nothing():
    """What was shown on one port is not reported of another."""
    surveys = [survey(ip, greetings=web()) for ip in (LAN, VPN)]
    assert services_of(Port(Protocol.TCP, 8443), surveys) == ()
