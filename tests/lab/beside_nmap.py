"""Survey one scenario's real hosts with our engine, then anew with nmap, and print both as JSON.

Each has a network of its own: a host sends a prober six ICMP errors and then one a second
(net.ipv4.icmp_ratelimit in the kernel's ip-sysctl), so the second would find the first one's leavings.
Started by the tests as `python tests/lab/beside_nmap.py SCENARIO`; enters a namespace that leads nowhere by
starting itself again. Prints a list of [address symbol, port, [our state, reason], [nmap's state, reason]].
"""

import json
import sys

from score import nmap

from probe.app.stages import collect
from probe.lab.files import scenario_paths
from probe.lab.netns import enter
from probe.lab.open_world import backends_of, open_world
from probe.lab.scenario import address_of, load_scenario
from probe.model.plan import Timing
from probe.model.probing import Role
from probe.model.target import Protocol

# nmap has words of its own for two ICMPv6 errors; ours are those of their IPv4 twins.
WORDS = {"no-route": "net-unreach", "reject-route": "net-prohibited"}
NOTHING = nmap.Answer("nothing", "nothing")  # nmap leaves out a host that does not resolve on the link

Row = tuple[str, int, tuple[str, str], tuple[str, str]]


def rows(name: str) -> list[Row]:
    """Survey the TCP ports of a scenario twice."""
    scenario = load_scenario(scenario_paths()[name])
    symbols = {address_of(symbol): symbol for symbol in scenario.addresses}
    with open_world(scenario, "netns") as world:
        ports = [port for port in world.target.ports if port.protocol is Protocol.TCP]
        surveys = collect(world.target, Timing(), backends_of(world, "connect")).surveys
    with open_world(scenario, "netns"):
        theirs = nmap.ask(list(symbols), ports) if ports else {}
    seen = [one for each in surveys for one in each.observations if one.question.role is Role.TESTED]
    answers = [
        (one, theirs.get((one.question.address, one.question.port), NOTHING))
        for one in seen
        if one.question.port in ports
    ]
    return [
        (
            symbols[one.question.address],
            one.question.port.number,
            (str(one.state), str(one.reason)),
            (answer.state, WORDS.get(answer.reason, answer.reason)),
        )
        for one, answer in answers
    ]


if __name__ == "__main__":
    if not enter.inside():
        sys.exit(enter.reenter((sys.executable, *sys.argv)))
    json.dump(rows(sys.argv[1]), sys.stdout)
