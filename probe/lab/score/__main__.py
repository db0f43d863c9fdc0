"""`python -m probe.lab.score`: score the engine on random worlds and print the card.

Worlds of real hosts need a network namespace that leads nowhere: the program starts itself again in one.
"""

import sys
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser

from probe.errors import BindprobeError
from probe.lab.netns import enter
from probe.lab.score.run import score
from probe.lab.score.table import render


def main() -> int:
    """Parse the arguments, run the score, print its card; an error is one line on stderr."""
    parser = ArgumentParser(prog="python -m probe.lab.score", formatter_class=ArgumentDefaultsHelpFormatter)
    parser.add_argument("--worlds", type=int, default=100, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="of the first world")
    parser.add_argument("--engine", default="connect", help="named in the reports")
    parser.add_argument("--world", choices=("netns", "sim"), default="netns", help="real hosts, or in memory")
    arguments = parser.parse_args()
    try:
        if arguments.world == "netns" and not enter.inside():
            return enter.reenter((sys.executable, "-m", "probe.lab.score", *sys.argv[1:]))
        card = score(arguments.worlds, arguments.seed, arguments.engine, arguments.world)
    except BindprobeError as error:
        sys.stderr.write(f"score: {error}\n")
        return error.exit_code
    sys.stdout.write(render(card) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
