"""A checked expectation, in words."""

from msgspec.structs import replace

from probe.model.expectation import CheckedExpectation

_PRIVATE = "services that should stay inside"


def worded_check(one: CheckedExpectation) -> CheckedExpectation:
    """The expectation with its sentence."""
    about = "" if one.about == "private" else f" {one.about}"
    return replace(one, text=f"{one.port or _PRIVATE}{about}: expected {one.expected}, found {one.found}")
