"""Wake tunnels before they are judged: the first packets through a cold one are lost to its handshake. Pure.

A WireGuard session is made when there is something to send (whitepaper section 6); until then what is sent
waits or is lost. One opening after the other is sent through each tunnel until something comes back.
"""

from collections.abc import Callable, Mapping

from probe.engine.backend import Backend
from probe.engine.run import ask
from probe.model.plan import Timing
from probe.model.probing import Question, Reason, Role
from probe.model.target import Port, TargetAddress

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
