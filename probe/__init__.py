"""bindprobe: infer from outside what address a service is bound to, or what blocks it.

What stands in `__all__` is the public interface (docs/library.md). It is loaded when it is first used:
neither `import probe` nor `bindprobe --help` waits for it.
"""

from probe.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from probe.app.checkup import doctor
    from probe.app.engine_request import EngineRequest
    from probe.app.saved import infer, load, render
    from probe.app.scan import Reporting, measure, scan
    from probe.app.session import open_session
    from probe.app.target import Target
    from probe.errors import BindprobeError
    from probe.model.doctor_report import DoctorReport
    from probe.model.measurement import Facts, Measurement
    from probe.model.plan import Timing
    from probe.model.report import Report

__all__ = [
    "BindprobeError",
    "DoctorReport",
    "EngineRequest",
    "Facts",
    "Measurement",
    "Report",
    "Reporting",
    "Target",
    "Timing",
    "__version__",
    "doctor",
    "infer",
    "load",
    "measure",
    "open_session",
    "render",
    "scan",
]

_HOMES = {
    "BindprobeError": "probe.errors",
    "DoctorReport": "probe.model.doctor_report",
    "EngineRequest": "probe.app.engine_request",
    "Facts": "probe.model.measurement",
    "Measurement": "probe.model.measurement",
    "Report": "probe.model.report",
    "Reporting": "probe.app.scan",
    "Target": "probe.app.target",
    "Timing": "probe.model.plan",
    "doctor": "probe.app.checkup",
    "infer": "probe.app.saved",
    "load": "probe.app.saved",
    "measure": "probe.app.scan",
    "open_session": "probe.app.session",
    "render": "probe.app.saved",
    "scan": "probe.app.scan",
}


def __getattr__(name: str) -> object:
    """Load a public name from its home (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - `import probe` loads nothing

    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Public names, loaded or not."""
    return sorted({*globals(), *__all__})
