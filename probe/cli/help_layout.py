"""How `--help` is laid out: examples first, then options in groups, as plain text that needs no rich."""

from collections.abc import Sequence
from typing import Any

from typer.core import TyperCommand

TARGET, PORTS, PROBING, WAY_OUT, OUTPUT = "Target", "Ports", "Probing", "Way out", "Output"
_OTHERS = "Options"


def with_examples(about: str, examples: Sequence[str]) -> str:
    """The help of a command: what it does, and commands to type. A line of them is never wrapped."""
    return "\n".join((about, "", "\b", *(f"  {example}" for example in examples)))


class GroupedCommand(TyperCommand):
    """A command whose help lists its options under the headings that they name (`rich_help_panel`)."""

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - typer's are private
        """Write arguments and options, a section for each heading, in the order in which they come."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                heading = getattr(parameter, "rich_help_panel", None) or _OTHERS
                sections.setdefault(heading, []).append(record)
        last = sections.pop(_OTHERS, [])
        for heading, records in (*sections.items(), (_OTHERS, last)):
            with formatter.section(heading):
                formatter.write_dl(records)
