"""`bindprobe lab`: list and run scenarios, compare worlds, and score the verdicts on random ones."""

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
_Several = Annotated[
    list[options.LabWorld] | None, typer.Option("--world", help="A world; may be repeated (default: all).")
]
_Engines = Annotated[
    list[options.Engine] | None, typer.Option("--engine", help="An engine; may be repeated (default: both).")
]
_Page = Annotated[bool, typer.Option("--md", help="A page in Markdown, with what it was measured on.")]
_Differences = Annotated[
    bool, typer.Option("-v", "--verbose", help="List the differences that are explained, too.")
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
    as_json: options.AsJson = False,
    quiet: _Quiet = False,
) -> None:
    """Run scenarios and compare what is found with what each expects; exit 1 on a difference."""
    from probe.cli.output import Destination
    from probe.cli.scenarios import check_all, chosen
    from probe.cli.worlds import enter_world, lab_engine
    from probe.lab.result import to_json
    from probe.lab.table import render_truth_table

    code = enter_world(world, context.obj)
    if code is not None:
        raise typer.Exit(code)
    scenarios = chosen(names or (), world, quiet=quiet)
    how = lab_engine(engine)
    results = check_all(scenarios, world, how, quiet=quiet, keep_on=as_json)
    Destination().write_text(to_json(world, how, results) if as_json else render_truth_table(results) + "\n")
    if not all(result.ok for result in results):
        raise typer.Exit(EXIT_NOT_MET)


@lab.command("table")
def table_of_worlds(  # noqa: PLR0913 - each is a flag
    *,
    names: _Names = None,
    worlds: _Several = None,
    engines: _Engines = None,
    page: _Page = False,
    output: options.Output = None,
    verbose: _Differences = False,
    quiet: _Quiet = False,
) -> None:
    """Run scenarios in every world with every engine and compare what is found; exit 1 on a difference.

    All three worlds and both engines, unless some are named. The worlds run at the same time.
    """
    from probe.cli.across import columns_of, rendered, tabled
    from probe.cli.output import Form, choose

    destination = choose({Form.MARKDOWN: page}, output)
    destination.check()
    grid = tabled(names or (), columns_of(worlds, engines), quiet=quiet)
    destination.write_text(rendered(grid, page=page, detail=verbose))
    if not grid.ok:
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
