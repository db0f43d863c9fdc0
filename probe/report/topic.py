"""The words of a report and what they mean, as text: what `bindprobe help TOPIC` prints."""

from collections.abc import Iterator, Mapping
from textwrap import wrap

from probe.report.style import PLAIN, TextStyle


def render_topic(sections: Mapping[str, Mapping[str, str]], style: TextStyle = PLAIN) -> str:
    """Render words and their meanings, by section. Ends with a newline."""
    parts = ("\n".join((title, *_lines(words, style))) for title, words in sections.items())
    return "\n\n".join(parts) + "\n"


def _lines(words: Mapping[str, str], style: TextStyle) -> Iterator[str]:
    width = max(map(len, words))
    for word, meaning in words.items():
        head = f"  {word:{width}}  "
        yield from wrap(meaning, style.width, initial_indent=head, subsequent_indent=" " * len(head))
