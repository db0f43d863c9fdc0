"""The lowest version that pyproject.toml allows of each package that the program needs, one a line."""

import re
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def lowest() -> list[str]:
    """Each requirement with its lower bound alone, extras' too."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    optional = [one for several in project.get("optional-dependencies", {}).values() for one in several]
    return [re.sub(r">=([\w.]+).*", r"==\1", one) for one in (*project["dependencies"], *optional)]


if __name__ == "__main__":
    sys.stdout.write("\n".join(lowest()) + "\n")
