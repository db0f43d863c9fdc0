"""Whether the path carries full packets: one subject, where data was sent through a service."""

from collections.abc import Iterator

from probe.diagnose.scene import Scene
from probe.diagnose.trouble import Trouble
from probe.model.diagnosis import Cause
from probe.model.exam import MtuTrial, Transfer
from probe.model.symptoms import CauseEvidence, Symptom


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


def _fine(trial: MtuTrial) -> tuple[CauseEvidence, ...]:
    if trial.learnt_mtu is not None:
        sender = str(trial.teller) if trial.teller is not None else None
        return (CauseEvidence(rule=Symptom.PATH_MTU_LEARNT, sender=sender, mtu=trial.learnt_mtu),)
    return (_of_segment(Symptom.SEGMENT_PASSES, trial),)


def _of_segment(rule: Symptom, trial: MtuTrial) -> CauseEvidence:
    return CauseEvidence(
        rule=rule, port=trial.port.number, protocol=trial.port.protocol, segment=trial.segment
    )


def _stalled(trial: MtuTrial) -> Iterator[CauseEvidence]:
    yield _of_segment(Symptom.SEGMENT_LOST, trial)
    yield CauseEvidence(rule=Symptom.NO_SIZE_ERROR)
    if trial.working_mtu is not None:
        yield CauseEvidence(rule=Symptom.SMALLER_PASSES, mtu=trial.working_mtu)
