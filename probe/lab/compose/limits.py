"""What a scenario may ask for that containers cannot give, and why. Pure: a table."""

from collections.abc import Callable

from probe.lab.scenario import FarEnd, Scenario, VpnKind

_KERNEL = "a container may not change this setting of its kernel"
_APART = "each container makes itself without a word to the other"
_NO_HOST = "docker-compose.yml has no such machine"

# Name of a trait, whether a scenario has it, and why it cannot be had here. The first that matches is told.
_LIMITS: tuple[tuple[str, Callable[[Scenario], object], str], ...] = (
    (
        "the doctor's causes",
        lambda s: s.expect_causes,
        "no doctor is run in containers",
    ),
    (
        "a tunnel of OpenVPN",
        lambda s: s.vpn is not None and s.vpn.kind is VpnKind.OPENVPN,
        "its ends are to know certificates that are made anew for each world, and " + _APART,
    ),
    (
        "a tunnel that fails later",
        lambda s: s.vpn is not None and s.vpn.warm and s.vpn.far_end is not FarEnd.SERVES,
        _APART,
    ),
    (
        "delay",
        lambda s: any(link.delay_ms for link in s.links.values()),
        "the cable that delays is a program of the netns world",
    ),
    ("isolated clients", lambda s: any(link.isolates for link in s.links.values()), _NO_HOST),
    ("the same address elsewhere", lambda s: s.elsewhere, _NO_HOST),
    ("name servers", lambda s: s.prober.names, _NO_HOST),
    ("a container behind the target", lambda s: s.target.dnat, _NO_HOST),
    (
        "a strict reverse path filter",
        lambda s: s.prober.strict_reverse_path or s.target.strict_reverse_path,
        _KERNEL,
    ),
    ("another TTL", lambda s: s.target.ttl, _KERNEL),
    ("loopback open to links", lambda s: s.target.route_localnet, _KERNEL),
    ("a target that forwards", lambda s: s.target.forwards, _KERNEL),
    ("a SYN proxy", lambda s: s.router.syn_proxy, _KERNEL),
    (
        "a target switched off",
        lambda s: s.down,
        "it would be switched off once every tunnel is up, and " + _APART,
    ),
)


def why_not(scenario: Scenario) -> str | None:
    """Say why a scenario cannot run in containers; None: it can."""
    found = (f"{trait}: {reason}" for trait, has, reason in _LIMITS if has(scenario))
    return next(found, None)
