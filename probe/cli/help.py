"""`bindprobe help TOPIC`: what the words of a report mean."""

from typing import Annotated

import typer

from probe.cli.app import app
from probe.cli.help_layout import GroupedCommand, with_examples

_HELP = with_examples(
    "Explain verdicts, conditions, causes or port lists; or show the help of a command.",
    ("bindprobe help verdicts", "bindprobe help scan"),
)
_Topic = Annotated[
    str | None,
    typer.Argument(
        metavar="[TOPIC]", show_default=False, help="verdicts, conditions, causes, ports, or a command."
    ),
]


@app.command("help", help=_HELP, cls=GroupedCommand)
def help_on(topic: _Topic = None) -> None:
    """Print what a topic's words mean, or a command's help; without a topic, that of the program.

    Raises:
        UsageError: no such topic.
    """
    from probe.cli.main import COMMANDS, main

    if topic is None or topic in COMMANDS:
        raise typer.Exit(main([*([] if topic is None else [topic]), "--help"]))
    from probe.cli.output import Destination
    from probe.errors import UsageError
    from probe.explain.glossary import TOPICS
    from probe.report.topic import render_topic

    if topic not in TOPICS:
        raise UsageError(f"no help on {topic!r}: choose {', '.join(TOPICS)}, or a command")
    destination = Destination()
    destination.write_text(render_topic(TOPICS[topic], destination.style()))
