"""Why something could not be read of this machine, or asked of a name server."""

from probe.model.unread import NameFailure, NameFailureRule, Unread, UnreadRule


def peers_unread(unread: Unread) -> str:
    """Why a tunnel's peers are not known, and what to do."""
    if unread.rule is UnreadRule.NEEDS_ROOT:
        return "that takes root (sudo bindprobe doctor)"
    if unread.rule is UnreadRule.NO_TOOL:
        return "wg is not installed (package wireguard-tools)"
    tool = " and ".join(unread.tools)
    if unread.interface is None:
        return f"{tool} does not report it: {_complaint(unread)}"
    complaint = f": {unread.complaints[0]}" if unread.complaints else ""
    return f"{tool} does not report {unread.interface}{complaint}"


def _complaint(unread: Unread) -> str:
    return unread.complaints[0] if unread.complaints else "its answer could not be read"


def filter_unread(unread: Unread) -> str:
    """Why this machine's packet filter is not known, and what to do."""
    if unread.rule is UnreadRule.NEEDS_ROOT:
        return "reading the packet filter takes root: sudo bindprobe doctor"
    if unread.rule is UnreadRule.NO_TOOL:
        return "not known: neither nft nor iptables is installed (packages nftables, iptables)"
    if unread.rule is UnreadRule.OTHER_SYSTEM:
        return "not known: this system's packet filter is not supported"
    if unread.tools == ("nft",):
        return f"nft: {_complaint(unread)}"
    return "; ".join(unread.complaints)


def no_address(failure: NameFailure) -> str:
    """Why a name server gave no address."""
    if failure.rule is NameFailureRule.NO_ANSWER:
        return f"no answer within {failure.timeout_s or 0:g} s"
    if failure.rule is NameFailureRule.NO_SUCH_NAME:
        return "no such name"
    if failure.rule is NameFailureRule.UNREADABLE:
        return f"a malformed answer ({failure.code})"
    return failure.code or "not reached"
