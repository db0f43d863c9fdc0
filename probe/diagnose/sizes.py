"""Whether the path carries full packets: one subject, where data was sent through a service."""

from collections.abc import Iterator

from probe.diagnose.scene import Scene
from probe.diagnose.trouble import Trouble
from probe.model.diagnosis import Cause
from probe.model.exam import MtuTrial, Transfer


def size_trouble(scene: Scene) -> Iterator[Trouble]:
    """A black hole for full packets (RFC 2923), where small ones pass; nothing where it was not measured."""
    trial = scene.exam.mtu
    if trial is None or trial.small is not Transfer.ARRIVED or trial.big is Transfer.ENDED:
        return
    if trial.big is Transfer.ARRIVED:
        yield Trouble({Cause.NONE: 1.0}, {Cause.NONE: _fine(trial)})
        return
    sure = 0.98 if trial.working_mtu is not None else 0.9
    shares = {Cause.MTU_BLACK_HOLE: sure, Cause.NONE: 1 - sure}
    yield Trouble(shares, {Cause.MTU_BLACK_HOLE: tuple(_stalled(trial))})


def _fine(trial: MtuTrial) -> tuple[str, ...]:
    if trial.learnt_mtu is not None:
        told = f"{trial.teller} told" if trial.teller is not None else "the path told"
        return (f"full packets pass: {told} that it carries {trial.learnt_mtu} bytes, as it should",)
    return (f"{trial.segment} bytes in one segment pass on {trial.port}",)


def _stalled(trial: MtuTrial) -> Iterator[str]:
    yield f"on {trial.port} a few bytes arrive, a segment of {trial.segment} bytes never does"
    yield "no ICMP error tells how much the path carries"
    if trial.working_mtu is not None:
        yield f"packets of {trial.working_mtu} bytes pass"
