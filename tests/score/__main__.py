"""`make score`: verdicts on random worlds whose truth is known, graded beside nmap's.

Run as `python -m score` with `tests` on the path; --help lists its options.
"""

import sys
from typing import Annotated

import typer

from probe.app.engines import Engine
from probe.cli.options import WorldKind
from probe.cli.output import Destination
from probe.cli.worlds import enter_world, lab_engine
from score.families import FAMILIES
from score.family_run import score_family
from score.family_table import render_families
from score.run import score
from score.table import render


def main(
    worlds: Annotated[int, typer.Option(min=1, help="How many random worlds.")] = 100,
    seed: Annotated[int, typer.Option(help="Of the first world.")] = 1,
    engine: Annotated[
        Engine, typer.Option(help="raw sends raw packets too; auto: connect.")
    ] = Engine.CONNECT,
    world: Annotated[WorldKind, typer.Option(help="In memory, or hosts in namespaces.")] = WorldKind.NETNS,
    families: Annotated[
        int, typer.Option(min=0, help="Instead: so many made-up hosts of every family, without a packet.")
    ] = 0,
) -> None:
    """Grade the verdicts on random worlds whose truth is known, beside nmap's."""
    if families:
        raw = lab_engine(engine) == "raw"
        graded = [score_family(name, families, seed, raw=raw, processes=2) for name in FAMILIES]
        Destination().write_text(render_families(graded) + "\n")
        return
    code = enter_world(world, sys.argv[1:], module="score")
    if code is not None:
        raise typer.Exit(code)
    Destination().write_text(render(score(worlds, seed, lab_engine(engine), world)) + "\n")


if __name__ == "__main__":
    typer.run(main)
