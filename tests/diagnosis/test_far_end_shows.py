"""What is seen of the way to an address, by the tunnel's far end."""

from ipaddress import ip_interface

import pytest
from test_diagnosis_tables import CASES, scene_of
from varied import replace

from probe.diagnosis.read_ways import what_the_far_end_shows
from probe.model.symptoms import Symptom

TYPED_WRONG = CASES["an address of the vpn with a typing error, and the far end passes it on"]


@pytest.mark.parametrize(
    ("own", "symptoms"),
    [
        ("10.88.0.2/24", [Symptom.FAR_END_PASSES_ON, Symptom.IN_TUNNEL_NETWORK]),
        ("10.99.0.2/24", [Symptom.FAR_END_PASSES_ON, Symptom.BEHIND_TUNNEL]),
        ("10.88.0.2/32", [Symptom.FAR_END_PASSES_ON]),
    ],
)
def test_the_network_of_the_tunnel(own: str, symptoms: list[Symptom]) -> None:
    """An address in it is the far end's own; a single address has no network that could show it."""
    scene = scene_of(TYPED_WRONG)
    (tunnel,) = scene.machine.tunnels
    tunnel = replace(tunnel, link=replace(tunnel.link, addresses=(ip_interface(own),)))
    seen = what_the_far_end_shows(replace(scene, machine=replace(scene.machine, tunnels=(tunnel,))))
    assert [one.rule for one in seen] == symptoms
