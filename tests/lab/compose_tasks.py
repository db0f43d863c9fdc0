"""What the tests of containers do in a namespace instead; run as a program: prints JSON, one line.

Started as `python tests/lab/compose_tasks.py ROLE TUNNEL`; enters a namespace that leads nowhere by starting
itself again, and becomes that host of a scenario with this tunnel.
"""

import json
import socket
import subprocess
import sys
from contextlib import ExitStack
from typing import Any

from probe.lab.compose.host import lay_end
from probe.lab.compose.limits import place_of
from probe.lab.netns import enter, mounts, syscalls
from probe.lab.netns.hosts import build, finish
from probe.lab.scenario import parse_scenario


def end_of_tunnel(role: str, vpn: dict[str, Any]) -> dict[str, Any]:
    """Make one end of a tunnel and return what is there of it."""
    parts = {"about": "", "addresses": ["vpn"], "scan": {"ports": "80"}, "expect": {"80": {}}}
    place = place_of(role, parse_scenario("tunnel", {**parts, "vpn": vpn}))
    assert place.tunnel is not None
    subprocess.run(["ip", "link", "add", "wan", "type", "veth", "peer", "name", "other"], check=True)
    with mounts.own_view(tunnel=True), ExitStack() as stack:
        complete = lay_end(role, place.tunnel, stack)
        build(place.host)
        finish(place.host)
        complete()
        return _seen()


def _seen() -> dict[str, Any]:
    there = any(name == "vpn" for _, name in socket.if_nameindex())
    return {
        "interface": there,
        "up": there and syscalls.is_up("vpn"),
        "peers": len(_output_of("wg", "show", "vpn", "peers")) if there else 0,
        "cut": "table inet cut" in _output_of("nft", "list", "tables"),
    }


def _output_of(*words: str) -> list[str]:
    done = subprocess.run(words, env=enter.environment(), capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


if __name__ == "__main__":
    if not enter.inside():
        sys.exit(enter.reenter((sys.executable, *sys.argv)))
    json.dump(end_of_tunnel(sys.argv[1], json.loads(sys.argv[2])), sys.stdout)
