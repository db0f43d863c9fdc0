"""The outputs of socket_lists.yaml, which the tests read."""

from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class SocketList:
    """An output, what listens by it, and the protocols that it lists in full."""

    name: str
    text: str
    listens: tuple[str, ...]
    complete: str = ""


def _read() -> tuple[SocketList, ...]:
    documents = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return tuple(SocketList(**one | {"listens": tuple(one["listens"])}) for one in documents)


LISTS = _read()
