"""What is known of the name that an address came from. Pure."""

from collections.abc import Mapping, Sequence

from msgspec import structs

from probe.model.exam import NameAnswer
from probe.model.target import Target, TargetAddress


def name_answers(
    address: TargetAddress, target: Target, told: Mapping[str, Sequence[NameAnswer]]
) -> tuple[NameAnswer, ...]:
    """What the system and each name server say of an address's name; nothing where it has none.

    The system's answer are the target's own addresses of that name. Servers are heard in the families that
    these are of: the user may have left out the other one.
    """
    if address.name is None:
        return ()
    own = tuple(dict.fromkeys(a.ip for a in target.addresses if a.name == address.name))
    families = {ip.version for ip in own}
    servers = (
        structs.replace(one, addresses=tuple(ip for ip in one.addresses if ip.version in families))
        for one in told.get(address.name, ())
    )
    return (NameAnswer(None, own), *servers)
