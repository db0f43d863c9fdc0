"""The pure modules as patterns for `coverage report --include`, from the one list in pyproject.toml."""

import sys
import tomllib
from pathlib import Path

TOP = Path(__file__).parents[2]
CONTRACT = "pure modules: no sockets, no processes, no clock, no chance"


def modules() -> list[str]:
    """Names of the pure modules and packages, as the import contract lists them."""
    settings = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (contract,) = [one for one in contracts if one["name"] == CONTRACT]
    return list(contract["source_modules"])


def patterns() -> list[str]:
    """Files of the pure modules, relative to the top: a package with all below it, or one file."""
    paths = [module.replace(".", "/") for module in modules()]
    return [f"{path}/*" if (TOP / path).is_dir() else f"{path}.py" for path in paths]


if __name__ == "__main__":
    sys.stdout.write(",".join(patterns()) + "\n")
