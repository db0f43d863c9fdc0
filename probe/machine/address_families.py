"""IP versions as sockets name them: the one table of every socket that is opened for an address."""

import socket
from collections.abc import Mapping
from typing import Final

SOCKET_FAMILIES: Final[Mapping[int, socket.AddressFamily]] = {4: socket.AF_INET, 6: socket.AF_INET6}
