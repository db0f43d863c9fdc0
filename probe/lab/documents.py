"""Reading a scenario's file as plain data. Knows YAML, not what a scenario is."""

from pathlib import Path

from probe.errors import ScenarioError


def read_document(path: Path) -> object:
    """Read one YAML file.

    Raises:
        ScenarioError: the file cannot be read, or is not YAML.
    """
    import yaml  # noqa: PLC0415 - only the lab needs it; keeps `--help` and `scan` fast

    try:
        return _parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScenarioError(f"scenario {path}: {str(error).splitlines()[0]}") from None


def _parse(text: str) -> object:
    """Read YAML as its version 1.2 does: YAML 1.1 would take the key `on` for the boolean true."""
    import yaml  # noqa: PLC0415 - as above

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {  # noqa: RUF012 - the base class declares it so
            first: [rule for rule in rules if first in "tTfF" or rule[0] != "tag:yaml.org,2002:bool"]
            for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    return yaml.load(text, Loader)  # noqa: S506 - a SafeLoader with fewer rules
