"""`bindprobe lab`: list and run scenarios, networks with a known truth."""

from typing import Annotated

import typer

from probe.app.engines import Engine
from probe.cli import options
from probe.cli.app import lab

_Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME|FILE]...", help="Scenarios, by name or as files; none: all of them."),
]
_Places = Annotated[
    options.LabWorld, typer.Option("--world", help="In memory, hosts in namespaces, or containers.")
]
_Engine = Annotated[Engine, typer.Option("--engine", help="raw sends raw packets too; auto: connect.")]
_Show = Annotated[
    bool, typer.Option("--show", help="Print the report of the scan instead, as `bindprobe scan` does.")
]

EXIT_NOT_MET = 1


@lab.command("list")
def list_scenarios() -> None:
    """List the scenarios and what each is about."""
    from probe.cli.output import Destination
    from probe.cli.scenarios import list_all

    destination = Destination()
    destination.write_text(list_all(destination.style()))


@lab.command("run")
def run_scenarios(  # noqa: PLR0913 - each is a flag
    context: typer.Context,
    *,
    names: _Names = None,
    world: _Places = options.LabWorld.SIM,
    engine: _Engine = Engine.CONNECT,
    show: _Show = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Run scenarios and compare what is found with what each expects; exit 1 on a difference."""
    from probe.cli.output import Destination
    from probe.cli.scenarios import check_all, chosen, show_all
    from probe.cli.worlds import enter_world, lab_engine
    from probe.lab.result import render_truth_table, to_json

    code = enter_world(world, context.obj)
    if code is not None:
        raise typer.Exit(code)
    scenarios = chosen(names or (), world, quiet=quiet)
    how = lab_engine(engine)
    if show:
        show_all(scenarios, world, how, as_json=as_json, quiet=quiet)
        return
    results = check_all(scenarios, world, how, quiet=quiet, keep_on=as_json)
    Destination().write_text(to_json(world, how, results) if as_json else render_truth_table(results) + "\n")
    if not all(result.ok for result in results):
        raise typer.Exit(EXIT_NOT_MET)
