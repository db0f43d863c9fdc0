"""Where the scenario files are: package data when installed, the top of the checkout otherwise."""

from difflib import get_close_matches
from operator import attrgetter
from pathlib import Path

from probe.errors import ScenarioError
from probe.lab.scenario import Scenario, load_scenario

_HERE = Path(__file__).resolve().parent
_PLACES = (_HERE / "scenarios", _HERE.parents[1] / "scenarios")


def scenario_paths() -> dict[str, Path]:
    """Find the scenario files, by name in alphabetical order; empty where none came along."""
    for place in _PLACES:
        found = {path.stem: path for path in sorted(place.glob("*.yaml"), key=attrgetter("stem"))}
        if found:
            return found
    return {}


def is_file_name(text: str) -> bool:
    """Whether a scenario is given as a file: it ends in `.yaml`, or has a folder."""
    return text.endswith(".yaml") or "/" in text


def find_scenario(name: str) -> Scenario:
    """Load one scenario by its name, or from a file of one's own.

    Raises:
        ScenarioError: there is none of that name, or its file is not a scenario.
    """
    if is_file_name(name):
        return load_scenario(Path(name))
    paths = scenario_paths()
    if name not in paths:
        raise ScenarioError(f"no scenario {name!r}; {_nearest(name, list(paths))}")
    return load_scenario(paths[name])


def _nearest(name: str, names: list[str]) -> str:
    """What to take instead of a name that there is not."""
    if not names:
        return "none came along with this installation"
    close = get_close_matches(name, names)
    meant = f"did you mean {' or '.join(close)}? " if close else ""
    return f"{meant}`bindprobe lab list` names all"
