"""What services showed of themselves, as the report has it; and in a few words."""

from probe.model.greeting import Greeting
from probe.model.report import GreetingReport, ObservationReport

_HEADERS = ("server", "location")  # told in words; the others are in the report


def greeting(said: Greeting | None) -> GreetingReport | None:
    """A greeting; None where nothing was said."""
    if said is None:
        return None
    return GreetingReport(text=said.text, status=said.status, headers=dict(said.headers), tls=said.tls)


def greeting_words(observation: ObservationReport) -> str | None:
    """What a service said on one address, as a fact beside others; None where it said nothing."""
    said = observation.greeting
    if said is None:
        return None
    headers = (f"{name} {said.headers[name]}" for name in _HEADERS if name in said.headers)
    words = ", ".join([f'says "{said.text}"' if said.text else "says nothing", *headers])
    return f"{words}, over TLS" if said.tls else words
