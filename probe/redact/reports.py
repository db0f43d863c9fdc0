"""A finished report, redacted: of the doctor's, whose verdicts are made already. Pure."""

from typing import TypeVar

from msgspec import Struct

from probe.model.encoding import as_builtins, from_builtins
from probe.redact.texts import Redaction

T = TypeVar("T", bound=Struct)


def redacted_report(report: T) -> T:
    """Replace everything in a report that names a network, in its sentences and commands too."""
    plain = as_builtins(report)
    return from_builtins(Redaction([plain]).of(plain), type(report))
