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
    except yaml.MarkedYAMLError as error:
        where = f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""
        raise ScenarioError(f"scenario {path}: {error.problem or error.context}{where}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScenarioError(f"scenario {path}: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise ScenarioError(f"scenario {path}: nested too deeply") from None
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # PyYAML lets through what Python makes of a date that there is not, or of a number of 5,000 digits.
        raise ScenarioError(f"scenario {path}: a value that cannot be read: {error}") from None


def _parse(text: str) -> object:
    """Read YAML as its version 1.2 does: YAML 1.1 would take the key `on` for the boolean true."""
    import yaml  # noqa: PLC0415 - as above

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {  # noqa: RUF012 - the base class declares it so
            first: [rule for rule in rules if first in "tTfF" or rule[0] != "tag:yaml.org,2002:bool"]
            for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    return yaml.load(text, Loader)  # noqa: S506 - a SafeLoader with fewer rules
