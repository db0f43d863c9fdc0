"""What the target's own list of sockets shows, port by port, beside what was concluded from outside."""

from collections.abc import Iterator, Mapping

from msgspec import UNSET

from probe.model.binding import Binding
from probe.model.report import AddressReport, Report, VerdictReport
from probe.model.sockets import ConfirmOutcome, ListedBinding
from probe.model.target import Realm
from probe.report.words import rows

TITLE = "On the target"
_WORDS: Mapping[Binding, str] = {
    Binding.WILDCARD: "bound to all interfaces",
    Binding.SPECIFIC: "bound to {bound_to}",
    Binding.LOOPBACK: "bound to loopback",
    Binding.NOT_LISTENING: "no socket listens",
}


def on_target(report: Report) -> Iterator[tuple[str, str]]:
    """The lines of a section, each with the mark that it starts with."""
    for row in rows(report):
        verdict = row.verdict
        if verdict.outcome is UNSET:
            continue
        truth = verdict.truth or None
        if truth is None:
            yield "  ", f"{row.title}: {ConfirmOutcome.UNSEEN}: the list does not show it"
            continue
        yield "  ", f"{row.title}: {verdict.outcome}: {', '.join(_facts(verdict, truth, report))}"
        yield from (("    ", line) for line in truth.lines)


def _facts(verdict: VerdictReport, truth: ListedBinding, report: Report) -> Iterator[str]:
    bound_to = ", ".join(truth.bound_to) or f"the device {truth.device}"
    yield _WORDS[truth.binding].format(bound_to=bound_to)
    if truth.process:
        yield truth.process if truth.pid is None else f"{truth.process} (pid {truth.pid})"
    if truth.container:
        yield f"container {truth.container}"
    yield from _access(truth, report)
    yield from (one.text for one in verdict.evidence if one.contradiction is not None)


def _access(truth: ListedBinding, report: Report) -> Iterator[str]:
    """Whether such a socket serves who comes over the VPN, or where there is none, from the LAN."""
    if truth.binding is Binding.NOT_LISTENING:
        return
    for realm, words in ((Realm.VPN, "over the VPN"), (Realm.LAN, "from the LAN")):
        addresses = [one for one in report.addresses if one.realm == realm]
        if addresses:
            good = any(_covers(truth, one) for one in addresses)
            yield f"{'good' if good else 'bad'} for access {words}"
            return


def _covers(truth: ListedBinding, address: AddressReport) -> bool:
    if truth.binding is Binding.WILDCARD:
        return address.family in truth.families
    return address.address in truth.bound_to
