"""The typer application that every command adds itself to. Imports nothing else: `--help` stays fast."""

import typer

app = typer.Typer(
    name="bindprobe",
    help="Probe a host's addresses from another machine and infer what each service is bound to.",
    rich_markup_mode=None,  # help as plain text: readable in a pipe, and rich need not be loaded
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
lab = typer.Typer(rich_markup_mode=None)
app.add_typer(lab, name="lab")


@lab.callback()
def lab_root() -> None:
    """Run scenarios: networks whose truth is known, compared with what is found."""
    from probe import interruption
    from probe.app.invoker import trust_no_tool_of_the_user

    trust_no_tool_of_the_user()
    interruption.unwind()  # a world is taken down on the way out


def _print_version(*, wanted: bool) -> None:
    if wanted:
        from probe.version import __version__

        typer.echo(f"bindprobe {__version__}")
        raise typer.Exit


@app.callback()
def root(
    *,
    _version: bool = typer.Option(
        False,  # noqa: FBT003 - typer takes the default first
        "-V",
        "--version",
        help="Print the version and exit.",
        is_eager=True,
        callback=lambda value: _print_version(wanted=value),
    ),
) -> None:
    """Probe a host's addresses from another machine and infer what each service is bound to.

    Probe only hosts that you own or may test.
    """
