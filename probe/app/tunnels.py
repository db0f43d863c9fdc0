"""Tunnels without a session: woken before an examination, and read after a scan for its silent addresses.

A tunnel that has no session makes one when the first packet comes. What is sent meanwhile waits for it or is
lost: on a long way the answers come when every probe has been given up. Where the first message of the
handshake is lost, the next one follows after 5 s (WireGuard whitepaper, section 6.1). Such a silence shows
nothing: the address is asked again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from probe.engine.backend import Backend
from probe.engine.run import Outcome, ask
from probe.machine.sources import Host
from probe.model.facts import AddressSurvey, TunnelHealth
from probe.model.machine import Peer, Tunnel
from probe.model.plan import Timing
from probe.model.probing import TCP_ANSWERS, Question, Reason, Role
from probe.model.target import IPAddress, Port, TargetAddress
from probe.model.tunnel_state import REKEY_TIMEOUT_S, health, peer_for, tunnel_of

# So long after the first probe a handshake whose first message was lost is made, or there is none to be had:
# up to 0.334 s of chance are added to the 5 s (drivers/net/wireguard/timers.c), and it has to travel.
SECOND_HANDSHAKE_S = REKEY_TIMEOUT_S + 0.334 + 0.3
_TIMESTAMP_S = 1.0  # handshakes are reported in whole seconds, rounded down
_INITIATION_BYTES = 148  # first message of a handshake (whitepaper, section 5.4.2)

_Again = Callable[[Sequence[IPAddress]], Outcome]  # asks some addresses once more, while time is left


@dataclass(frozen=True, slots=True)
class TunnelFacts:
    """Reads this machine's tunnels beside a backend, on its clock. `patient`: it may wait for a handshake."""

    host: Host
    backend: Backend
    patient: bool = True

    def added(self, outcome: Outcome, again: _Again) -> Outcome:
        """The outcome with the tunnel of every silent address; those that were asked too early, `again`.

        What answered is not looked into: a scan without a silent address reads nothing.

        Raises:
            StopRequestedError: a signal cut the reading short.
        """
        unsure = [s for s in outcome.surveys if not _answered_itself(s)]
        if not unsure or not outcome.complete:
            return outcome  # without waiting for the inference, which a thread may be loading
        from probe.inference.reachability import is_silent

        silent = [s for s in unsure if is_silent(s)]
        if not silent:
            return outcome
        began = self.backend.now()
        tunnels = self._read(silent)
        if self.patient and any(_may_come_up(tunnels[s.address.ip], s) for s in silent):
            self._wait_until(max(_first_sent(s) for s in silent) + SECOND_HANDSHAKE_S)
            tunnels = self._read(silent)
        now = self.backend.now()
        early = [s.address.ip for s in silent if _was_early(tunnels[s.address.ip], s, now)]
        outcome = _with(outcome, tunnels, self.backend.now() - began)
        return _replaced(outcome, again(early)) if early else outcome

    def _read(self, silent: Sequence[AddressSurvey]) -> dict[IPAddress, Tunnel | None]:
        tunnels = self.host.tunnels()
        return {s.address.ip: tunnel_of(s.address, s.route, tunnels) for s in silent}

    def _wait_until(self, moment: float) -> None:
        while self.backend.now() < moment and not self.backend.interrupted():
            self.backend.receive(moment)


def _answered_itself(survey: AddressSurvey) -> bool:
    """Whether a port was accepted or refused by another machine: no such address is silent."""
    return any(o.reason in TCP_ANSWERS and not survey.is_our_own(o) for o in survey.observations)


def _may_come_up(tunnel: Tunnel | None, survey: AddressSurvey) -> bool:
    """Whether a handshake for this address may be under way: there is none, and only one try was made."""
    peer = _peer(tunnel, survey)
    if tunnel is None or peer is None or peer.endpoint is None:
        return False
    tried_again = peer.handshake_age_s is None and peer.sent_bytes >= 2 * _INITIATION_BYTES
    lacking = health(tunnel, survey.address.ip) in {TunnelHealth.NEVER, TunnelHealth.STALE}
    return lacking and not tried_again


def _was_early(tunnel: Tunnel | None, survey: AddressSurvey, now: float) -> bool:
    """Whether the session began only while the address was probed: it is warm now."""
    peer = _peer(tunnel, survey)
    if peer is None or peer.handshake_age_s is None:
        return False
    return now - peer.handshake_age_s + _TIMESTAMP_S > _first_sent(survey)


def _peer(tunnel: Tunnel | None, survey: AddressSurvey) -> Peer | None:
    """The peer of an address that is routed into a tunnel."""
    route = survey.route
    if tunnel is None or route is None or not route.reachable or route.interface != tunnel.link.name:
        return None
    return peer_for(tunnel, survey.address.ip)


def _first_sent(survey: AddressSurvey) -> float:
    return min((o.started for o in survey.observations if o.started is not None), default=0.0)


def _with(outcome: Outcome, read: Mapping[IPAddress, Tunnel | None], elapsed: float) -> Outcome:
    surveys = tuple(_with_tunnel(s, read.get(s.address.ip)) for s in outcome.surveys)
    return replace(outcome, surveys=surveys, elapsed=outcome.elapsed + elapsed)


def _with_tunnel(survey: AddressSurvey, tunnel: Tunnel | None) -> AddressSurvey:
    if tunnel is None:
        return survey
    return replace(survey, tunnel=health(tunnel, survey.address.ip), tunnel_name=tunnel.link.name)


def _replaced(outcome: Outcome, later: Outcome) -> Outcome:
    """Put later surveys in the place of the first ones; what was read of their tunnels stays."""
    found = {s.address.ip: s for s in later.surveys}

    def newer(first: AddressSurvey) -> AddressSurvey:
        second = found.get(first.address.ip)
        if second is None:
            return first
        return replace(second, tunnel=first.tunnel, tunnel_name=first.tunnel_name)

    return Outcome(
        tuple(newer(survey) for survey in outcome.surveys),
        outcome.counts + later.counts,
        outcome.elapsed + later.elapsed,
        later.complete,
        {**outcome.learned, **later.learned},
    )


# That a cold tunnel is given: a few round trips. A handshake that was lost is tried again only after 5 s.
PATIENCE_S = 1.0
_ROUND = Timing(timeout=0.25, retries=0)


def warm_up(
    cold: Mapping[str, TargetAddress],
    port: Port,
    backend: Backend,
    is_warm: Callable[[str, TargetAddress], bool],
) -> None:
    """Probe through every cold tunnel until each has answered, is warm, or `PATIENCE_S` is over.

    Args:
        cold: an address behind each tunnel, by interface.
        port: what to ask there; better one that nothing uses.
        backend: what carries the probes.
        is_warm: whether that tunnel has come up in the meantime.
    """
    end = backend.now() + PATIENCE_S
    while cold and backend.now() < end:
        questions = {name: Question(address.ip, port, Role.CONTROL) for name, address in cold.items()}
        answers = ask(questions.values(), backend, _ROUND, end - backend.now())
        silent = {q.address for q, o in answers.items() if o.reason is Reason.NO_RESPONSE}
        cold = {
            name: address
            for name, address in cold.items()
            if address.ip in silent and not is_warm(name, address)
        }
