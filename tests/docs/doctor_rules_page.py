"""Makes docs/doctor-rules.md: `python tests/docs/doctor_rules_page.py > docs/doctor-rules.md`."""

import sys
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from probe.model.fixes import FixRule
from probe.model.machine_checks import CheckRule
from probe.model.measured_facts import FactRule
from probe.model.symptoms import Symptom

TOP = Path(__file__).parents[2]
EXAMPLES = TOP / "tests" / "cases" / "doctor_sentences.yaml"
HEAD = """# The rules of the doctor's report

What `bindprobe doctor --json` prints is values: a `rule` out of a closed list, the values that belong to it,
and `text`, the sentence that is made of them last. `bindprobe schema --doctor` describes every field. The
sentences below are examples. This page is made from the rules themselves and from the examples that test
them."""

SECTIONS: Mapping[str, tuple[str, type[StrEnum]]] = {
    "evidence": ("Evidence of a cause (`causes[].evidence`)", Symptom),
    "fixes": ("Fixes (`causes[].fix`, `machine[].fix`)", FixRule),
    "checks": ("What a check of this machine found (`machine[].found`)", CheckRule),
    "measured": ("What was measured on an address (`addresses[].measured`)", FactRule),
}


def page() -> str:
    """The whole page."""
    examples = yaml.safe_load(EXAMPLES.read_text(encoding="utf-8"))
    sections = (line for kind in SECTIONS for line in _section(kind, examples[kind]))
    return "\n".join([HEAD, *sections]) + "\n"


def _section(kind: str, examples: list[dict[str, dict[str, Any]]]) -> Iterator[str]:
    title, rules = SECTIONS[kind]
    yield f"\n## {title}\n"
    yield "| rule | values | an example |"
    yield "|---|---|---|"
    for rule in rules:
        given = [
            (text, values)
            for example in examples
            for text, values in example.items()
            if values["rule"] == rule
        ]
        names = dict.fromkeys(name for _, values in given for name in values if name != "rule")
        example = max(given, key=lambda one: len(one[1]))[0].replace("|", "\\|")
        yield f"| `{rule}` | {', '.join(f'`{name}`' for name in names)} | {example} |"


if __name__ == "__main__":
    sys.stdout.write(page())
