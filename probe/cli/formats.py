"""The options that choose a report's format, one for each row of `probe.report.formats`."""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer

from probe.cli.help_layout import OUTPUT
from probe.errors import UsageError
from probe.report.formats import Form

_Command = Callable[..., None]


def chooses_form(forms: Iterable[Form] = Form) -> Callable[[_Command], _Command]:
    """Give a command an option for each of some formats, where it has its parameter `form`.

    The command is called with the chosen one, or the table without any. Two are a usage error.
    """
    flags = {f"as_{form.name.lower()}": form for form in forms if form.about}

    def decorate(command: _Command) -> _Command:
        @functools.wraps(command)
        def with_form(**given: Any) -> None:  # noqa: ANN401 - whatever the command takes
            chosen = [form for flag, form in flags.items() if given.pop(flag)]
            if len(chosen) > 1:
                raise UsageError(f"--{chosen[0]} and --{chosen[1]} exclude each other; choose one format")
            command(**given, form=chosen[0] if chosen else Form.TABLE)

        parameters: list[inspect.Parameter] = []
        for parameter in inspect.signature(command).parameters.values():
            parameters += (
                map(_flag, *zip(*flags.items(), strict=True)) if parameter.name == "form" else [parameter]
            )
        with_form.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # typer reads it
        with_form.__annotations__ = {one.name: one.annotation for one in parameters}
        return with_form

    return decorate


def _flag(name: str, form: Form) -> inspect.Parameter:
    option = Annotated[bool, typer.Option(f"--{form}", help=form.about, rich_help_panel=OUTPUT)]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=option)
