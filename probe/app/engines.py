"""Which engine is asked for; what is asked of it is in `engine_request`. Loads nothing: `--help` shows it."""

from enum import StrEnum


class Engine(StrEnum):
    """How to probe. `auto` adds raw packets where they are permitted, and never needs them."""

    AUTO = "auto"
    CONNECT = "connect"
    RAW = "raw"
