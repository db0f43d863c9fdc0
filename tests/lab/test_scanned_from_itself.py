"""A machine that probes its own addresses: its packets meet no firewall, and the report shows it."""

import netns_tasks
import pytest

from probe.app.engines import Engine


@pytest.mark.netns
@pytest.mark.parametrize("engine", [Engine.CONNECT, Engine.RAW])
def test_own_addresses_are_named_so(engine: Engine) -> None:
    """Bindings are right; no condition is `clear`, for the filter that keeps others out was not met."""
    assert netns_tasks.run("itself", {"addresses": ["lan", "vpn"]}, engine) == {
        "bindings": {"8000": "wildcard", "8001": "loopback-or-not-listening", "8002": "specific"},
        "conditions": ["this-machine", "this-machine"],
        "of_ports": ["this-machine"],
        "evidence": ["own-address", "own-address"],
        "causes": ["none", "none"],
        "shown_by": ["own-address", "own-address"],
    }
