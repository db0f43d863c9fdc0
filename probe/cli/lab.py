"""`bindprobe lab`: list and run scenarios, and score the verdicts on random worlds."""

from typing import Annotated

import typer

from probe.cli import options
from probe.cli.app import lab

_Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="Scenarios; none: all of them.")
]
_World = Annotated[options.WorldKind, typer.Option("--world", help="In memory, or hosts in namespaces.")]
_Places = Annotated[
    options.LabWorld, typer.Option("--world", help="In memory, hosts in namespaces, or containers.")
]
_Worlds = Annotated[int, typer.Option("--worlds", metavar="N", min=1, help="How many random worlds.")]
_Seed = Annotated[int, typer.Option("--seed", metavar="S", help="Of the first world.")]
_Engine = Annotated[
    options.Engine, typer.Option("--engine", help="raw sends raw packets too; auto: connect.")
]
_Quiet = options.Quiet

EXIT_NOT_MET = 1


@lab.command("list")
def list_scenarios() -> None:
    """List the scenarios and what each is about."""
    from probe.cli.output import Destination
    from probe.cli.scenarios import list_all

    destination = Destination()
    destination.write_text(list_all(destination.style()))


@lab.command("run")
def run_scenarios(
    context: typer.Context,
    *,
    names: _Names = None,
    world: _Places = options.LabWorld.SIM,
    engine: _Engine = options.Engine.CONNECT,
    quiet: _Quiet = False,
) -> None:
    """Run scenarios and compare what is found with what each expects; exit 1 on a difference."""
    from probe.cli.output import Destination
    from probe.cli.scenarios import check_all, chosen
    from probe.cli.worlds import enter_world, lab_engine
    from probe.lab.table import render_truth_table

    code = enter_world(world, context.obj)
    if code is not None:
        raise typer.Exit(code)
    scenarios = chosen(names or (), world, quiet=quiet)
    results = check_all(scenarios, world, lab_engine(engine), quiet=quiet)
    Destination().write_text(render_truth_table(results) + "\n")
    if not all(result.ok for result in results):
        raise typer.Exit(EXIT_NOT_MET)


@lab.command("score")
def score_worlds(
    context: typer.Context,
    *,
    worlds: _Worlds = 100,
    seed: _Seed = 1,
    engine: _Engine = options.Engine.CONNECT,
    world: _World = options.WorldKind.NETNS,
) -> None:
    """Grade the verdicts on random worlds whose truth is known, beside nmap's."""
    from probe.cli.output import Destination
    from probe.cli.worlds import enter_world, lab_engine
    from probe.lab.score.run import score
    from probe.lab.score.table import render

    code = enter_world(world, context.obj)
    if code is not None:
        raise typer.Exit(code)
    card = score(worlds, seed, lab_engine(engine), world)
    Destination().write_text(render(card) + "\n")
