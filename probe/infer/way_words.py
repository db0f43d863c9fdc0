"""The words for addresses that no probe reached because of a tunnel or a route of this machine."""

from collections.abc import Iterator, Mapping, Sequence

from probe.infer.policy import AddressModel
from probe.infer.ways import in_tunnel, is_lost, is_silent, way_condition
from probe.model.facts import AddressSurvey, TunnelHealth
from probe.model.target import Port, Realm, TargetAddress
from probe.model.verdict import Condition

_HEALTH: Mapping[TunnelHealth, str] = {
    TunnelHealth.OFF: "{tunnel} is switched off",
    TunnelHealth.NOT_ALLOWED: "{tunnel} sends it nothing: the allowed IPs of no peer have this address",
    TunnelHealth.NEVER: "{tunnel} never made a handshake with the peer that has this address",
    TunnelHealth.STALE: "{tunnel} has no session: the latest handshake with this address's peer is too old",
    TunnelHealth.FRESH: "{tunnel} is up: the peer that has this address made a handshake a short while ago",
}
_SUMMARY: Mapping[Condition, str] = {
    Condition.TUNNEL_DOWN: "tunnel down",
    Condition.WRONG_ROUTE: "wrong route",
}
_READING: Mapping[Condition, str] = {
    Condition.TUNNEL_DOWN: "the tunnel is down: this silence says nothing of the service",
    Condition.WRONG_ROUTE: "sent by another way than the tunnel: this silence says nothing of the service",
}


def way_of(port: Port, model: AddressModel) -> Condition | None:
    """The condition of the way that kept the probe to a port from its address; None where none did."""
    observation = model.tested.get(port)
    if observation is None or not is_lost(observation, model.survey):
        return None
    return way_condition(model.survey)


def way_summary(port: Port, model: AddressModel) -> str | None:
    """The same in two words."""
    condition = way_of(port, model)
    return None if condition is None else _SUMMARY[condition]


def way_reading(port: Port, model: AddressModel) -> str | None:
    """The rule by which such a silence is read."""
    condition = way_of(port, model)
    return None if condition is None else _READING[condition]


def way_evidence(survey: AddressSurvey) -> Iterator[str]:
    """What tunnel and route say of an address that is silent."""
    if not is_silent(survey):
        return
    wrong = way_condition(survey) is Condition.WRONG_ROUTE
    if wrong and survey.route is not None:
        yield f"packets for it leave by {survey.route.interface}, not by {_named(survey) or 'a tunnel'}"
    elif survey.tunnel is not None and survey.tunnel in _HEALTH:
        yield _HEALTH[survey.tunnel].format(tunnel=_named(survey) or "the tunnel")
        route = survey.route
        if route is not None and route.reachable and not in_tunnel(survey):
            yield f"packets for it leave by {route.interface} instead"


def _named(survey: AddressSurvey) -> str | None:
    return None if survey.tunnel_name is None else f"the tunnel {survey.tunnel_name}"


def doctor_command(addresses: Sequence[TargetAddress]) -> str:
    """The command line that examines the same addresses."""
    flags: Mapping[str, str] = {
        Realm.LAN: "--lan ",
        Realm.VPN: "--vpn ",
        Realm.PUBLIC: "--public ",
        Realm.LOOPBACK: "",
    }
    places = (f"{flags.get(a.realm, f'{a.realm}=')}{a.ip}" for a in addresses)
    return f"`bindprobe doctor {' '.join(places)}`"
