"""Measurements and what the user stated, redacted: what is inferred of them is the same. Pure."""

from collections.abc import Sequence

from msgspec import structs

from probe.model.encoding import as_builtins, from_builtins
from probe.model.measurement import AddressMeasurement, Facts, Judged, Measurement
from probe.redact.greetings import GreetingRedaction
from probe.redact.texts import Redaction


def redacted(measurements: Sequence[Measurement], facts: Facts) -> Judged:
    """Replace everything that names a network, the same by the same in all of them."""
    greetings = GreetingRedaction()
    spoken = tuple(
        structs.replace(one, addresses=tuple(_unspoken(address, greetings) for address in one.addresses))
        for one in measurements
    )
    plain = as_builtins(Judged(measurements=spoken, facts=facts))
    return from_builtins(Redaction([plain]).of(plain), Judged)


def _unspoken(measured: AddressMeasurement, greetings: GreetingRedaction) -> AddressMeasurement:
    shown = tuple(
        one
        if one.greeting is None
        else structs.replace(one, greeting=greetings.of(one.greeting, measured.address.ip))
        for one in measured.shown
    )
    return structs.replace(measured, shown=shown)
