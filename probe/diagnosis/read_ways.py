"""What is seen of the way to an address: links, the network of a private address, hops. Pure."""

from collections.abc import Iterator

from probe.diagnosis.subject import ExamContext
from probe.model.facts import LinkKind
from probe.model.symptoms import CauseEvidence, Symptom
from probe.model.target import is_private_address


def how_the_link_is(scene: ExamContext) -> Iterator[CauseEvidence]:
    """Whether the link that leads there carries packets, and whether it is wireless."""
    dead, link = scene.route.dead_link, scene.machine.link(scene.route.interface)
    if dead is not None:
        yield CauseEvidence(rule=Symptom.NO_CARRIER if dead.up else Symptom.LINK_OFF, interface=dead.name)
    elif link is not None and link.running and link.kind is LinkKind.ETHERNET:
        yield CauseEvidence(rule=Symptom.LINK_RUNS, interface=link.name)
    if link is not None and link.wireless is not None and scene.route.on_link:
        rule = Symptom.LINK_WIRELESS if link.wireless else Symptom.LINK_WIRED
        yield CauseEvidence(rule=rule, interface=link.name)


def whether_its_network_is_known(scene: ExamContext) -> Iterator[CauseEvidence]:
    """Whether this machine has a way to the address, or for a private one only that to everything."""
    route, private = scene.route, is_private_address(scene.ip)
    if not route.reachable or (private and route.by_default is None):
        return
    gateway = None if route.gateway is None else str(route.gateway)
    astray = private and bool(route.by_default) and not scene.by_tunnel
    rule = Symptom.NO_LINK_HAS_IT if astray else Symptom.NETWORK_ROUTED
    yield CauseEvidence(rule=rule, address=str(scene.ip), interface=route.interface, gateway=gateway)


def where_hops_lie(scene: ExamContext) -> Iterator[CauseEvidence]:
    """Whether packets for a private address are routed inside, or leave for the internet."""
    if scene.by_tunnel or scene.route.on_link or not is_private_address(scene.ip):
        return
    beyond = [hop.sender for hop in (scene.exam.hops or ())[1:] if hop.sender is not None]
    if beyond:
        outside = [ip for ip in beyond if not is_private_address(ip)]
        rule = Symptom.LEAVES_FOR_INTERNET if outside else Symptom.STAYS_INSIDE
        yield CauseEvidence(rule=rule, address=str(scene.ip), sender=str((outside or beyond)[0]))


def what_the_far_end_shows(scene: ExamContext) -> Iterator[CauseEvidence]:
    """Whether the tunnel's far end passes packets on, and whether its own network has the address."""
    taken = scene.taken
    if taken is None or not scene.by_tunnel:
        return
    address, interface = str(scene.ip), taken.link.name
    hops = scene.exam.hops
    if hops is None:
        return
    passing = next((hop.sender for hop in hops if hop.sender is not None and not hop.arrived), None)
    if passing is None:
        yield CauseEvidence(rule=Symptom.FAR_END_SHOWS_NOTHING, interface=interface)
        return
    rule = Symptom.FAR_END_PASSES_ON
    yield CauseEvidence(rule=rule, address=address, sender=str(passing), interface=interface)
    own = [held.network for held in taken.link.addresses if held.version == scene.ip.version]
    if any(network.num_addresses > 1 for network in own):
        inside = any(scene.ip in network for network in own)
        rule = Symptom.IN_TUNNEL_NETWORK if inside else Symptom.BEHIND_TUNNEL
        yield CauseEvidence(rule=rule, address=address, interface=interface)
