"""What the target lists of its sockets, as a section of the text."""

from msgspec.structs import replace
from sample_reports import LAN, PUBLIC, THREE, VPN, port, report

from probe.model.binding import Binding
from probe.model.probing import Reason
from probe.model.sockets import ConfirmOutcome, ListedBinding
from probe.report.on_target import on_target


def lines(
    truth: ListedBinding | None, *places: tuple[str, str], outcome=ConfirmOutcome.SHARPENED
) -> list[str]:
    shown = places or THREE
    row = port(8000, [Reason.SYN_ACK] * len(shown), places=shown, service="http-alt")
    row = replace(row, truth=truth, outcome=outcome)
    return [text for _, text in on_target(report([row], shown))]


def test_good_or_bad_for_the_vpn() -> None:
    """By the addresses that the socket takes; from the LAN where no VPN was asked; nothing without either."""
    everywhere = ListedBinding(binding=Binding.WILDCARD, families=(4,))
    inside = ListedBinding(binding=Binding.LOOPBACK, families=(4,))
    only_v6 = ListedBinding(binding=Binding.WILDCARD, families=(6,))
    on_vpn = ListedBinding(binding=Binding.SPECIFIC, bound_to=(VPN[1],), families=(4,))
    for truth, word in ((everywhere, "good"), (inside, "bad"), (only_v6, "bad"), (on_vpn, "good")):
        assert lines(truth)[0].endswith(f"{word} for access over the VPN")
    assert lines(on_vpn, LAN, PUBLIC)[0].endswith("bad for access from the LAN")
    assert lines(everywhere, PUBLIC)[0].endswith("bound to all interfaces")


def test_who_listens() -> None:
    """The program, its number, the container, the device; then the lines as they stand."""
    truth = ListedBinding(
        binding=Binding.SPECIFIC, device="wg0", process="nginx", pid=9, container="web", lines=("one", "two")
    )
    first, *quoted = lines(truth)
    assert first.startswith(
        "8000/tcp http-alt: sharpened: bound to the device wg0, nginx (pid 9), container web"
    )
    assert quoted == ["one", "two"]
    nameless = ListedBinding(binding=Binding.LOOPBACK, process="sshd")
    assert "loopback, sshd, bad" in lines(nameless)[0]


def test_what_does_not_listen_or_is_not_shown() -> None:
    """Nothing is good or bad for access then."""
    absent = ListedBinding(binding=Binding.NOT_LISTENING)
    assert lines(absent) == ["8000/tcp http-alt: sharpened: no socket listens"]
    assert lines(None, outcome=ConfirmOutcome.UNSEEN) == [
        "8000/tcp http-alt: unseen: the list does not show it"
    ]
