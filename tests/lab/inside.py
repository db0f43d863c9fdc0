"""Run inside a namespace made for worlds: build a scenario, look at it, print what was seen as JSON.

Started by the netns tests as `python tests/lab/inside.py TASK [ARGUMENT ...]`. Sends packets only in
worlds that it built itself.
"""

import json
import subprocess
import sys
import time
import xml.etree.ElementTree as ET  # our own nmap's output
from pathlib import Path
from typing import Any

from probe.lab.netns.world import open_network
from probe.lab.scenario import Scenario, address_of, load_scenario
from probe.ports import format_ports, parse_ports

SCENARIOS = Path(__file__).parents[2] / "scenarios"
# nmap has words of its own for two ICMPv6 errors; here they share those of their IPv4 twins.
WORDS = {"no-route": "net-unreach", "reject-route": "net-prohibited"}
SCAN = {"tcp": "-sS", "udp": "-sU"}


def scenario(name: str) -> Scenario:
    """Read a scenario by its name."""
    return load_scenario(SCENARIOS / f"{name}.yaml")


def nmap(symbol: str, ports: str, protocol: str) -> dict[str, str]:
    """Ask nmap for the reason of each port, keyed as in `expect`."""
    address = address_of(symbol)
    options = ["-6"] if address.version == 6 else []
    pace = ["--max-retries", "4", "--initial-rtt-timeout", "300ms", "--max-rtt-timeout", "600ms"]
    command = ["nmap", SCAN[protocol], "-n", "-Pn", "--disable-arp-ping", *pace, *options, "-p", ports, str(address), "-oX", "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    prefix = "U:" if protocol == "udp" else ""
    return {
        prefix + port.attrib["portid"]: WORDS.get(reason := port.find("state").attrib["reason"], reason)
        for port in ET.fromstring(text).iter("port")
    }


def observe(name: str) -> dict[str, dict[str, str]]:
    """Return nmap's reasons of a scenario: port, then symbol."""
    world = scenario(name)
    seen: dict[str, dict[str, str]] = {}
    with open_network(world):
        for symbol in world.addresses:
            for protocol in SCAN:
                numbers = [port.number for port in parse_ports(world.scan.ports) if port.protocol == protocol]
                if numbers and symbol not in world.dead:
                    for port, reason in nmap(symbol, format_ports(numbers), protocol).items():
                        seen.setdefault(port, {})[symbol] = reason
    return seen


def main(task: str, *arguments: str) -> None:
    """Run one task and print its result."""
    print(json.dumps(globals()[task](*arguments)))


if __name__ == "__main__":
    main(*sys.argv[1:])
