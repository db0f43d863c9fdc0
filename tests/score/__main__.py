"""`make score`: verdicts on random worlds whose truth is known, graded beside nmap's.

Run as `python -m score` with `tests` on the path; --help lists its options.
"""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from probe.app.engines import Engine
from probe.cli.options import WorldKind
from probe.cli.output import Destination
from probe.cli.worlds import enter_world, lab_engine
from score.families import IN_WORLD
from score.family_run import score_family
from score.family_table import render_families
from score.run import score
from score.table import render


class ScoredIn(StrEnum):
    """Where verdicts are graded."""

    ABSTRACT = "abstract"
    SIM = "sim"
    NETNS = "netns"


def main(
    worlds: Annotated[int, typer.Option(min=1, help="How many random worlds.")] = 100,
    seed: Annotated[int, typer.Option(help="Of the first world.")] = 1,
    engine: Annotated[
        Engine, typer.Option(help="raw sends raw packets too; auto: connect.")
    ] = Engine.CONNECT,
    world: Annotated[
        ScoredIn | None,
        typer.Option(help="sim: in memory; netns: hosts in namespaces; abstract, of families: no packets."),
    ] = None,
    families: Annotated[int, typer.Option(min=0, help="Instead: so many made-up hosts of every family.")] = 0,
    family: Annotated[list[str] | None, typer.Option(help="Of this family alone; repeatable.")] = None,
) -> None:
    """Grade the verdicts on random worlds whose truth is known, beside nmap's."""
    place = world or (ScoredIn.ABSTRACT if families else ScoredIn.NETNS)
    if place is ScoredIn.ABSTRACT:
        if not families:
            raise typer.BadParameter("abstract is for families: give --families too")
        Destination().write_text(
            _of_families(family or list(IN_WORLD[place]), families, seed, engine, place) + "\n"
        )
        return
    code = enter_world(WorldKind(place), sys.argv[1:], module="score")
    if code is not None:
        raise typer.Exit(code)
    text = (
        _of_families(family or list(IN_WORLD[place]), families, seed, engine, place)
        if families
        else render(score(worlds, seed, lab_engine(engine), place))
    )
    Destination().write_text(text + "\n")


def _of_families(names: list[str], hosts: int, seed: int, engine: Engine, world: ScoredIn) -> str:
    """The table of these families. SCORE_FILE in the environment keeps every graded host, to go on from."""
    raw, file = lab_engine(engine) == "raw", os.environ.get("SCORE_FILE")
    kept = Path(file) if file else None
    return render_families(
        [score_family(name, hosts, seed, raw=raw, world=world.value, file=kept) for name in names]
    )


if __name__ == "__main__":
    typer.run(main)
