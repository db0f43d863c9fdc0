"""Does the path carry full packets? Real data through an open port of each address, all at once. Linux only.

Lives here: which connections a trial makes, and who tells of a smaller MTU. What becomes of one connection's
data is `transfer`. Elsewhere than on Linux nothing is measured: only its kernel tells which data arrived.
"""

import select
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from probe.engine.errqueue import ErrorOrigin, read_error_queue
from probe.engine.platforms import LINUX
from probe.engine.sockets import sockaddr_of, with_scope
from probe.engine.transfer import DataTransfer
from probe.model.exam import MtuTrial, Transfer
from probe.model.target import IPAddress, Port

LONGEST_S = 4.0  # of all trials; they take some 1.5 s where full packets vanish
_LOOK_S = 0.01  # between two looks at the connections
# Smaller packets to try, in bytes: what fits most tunnels, the least of IPv6 (RFC 8200 section 5), and what
# every IPv4 host takes (RFC 1122 section 3.3.3).
_SMALLER_MTUS: Mapping[int, tuple[int, ...]] = {4: (1400, 1280, 1000, 576), 6: (1400, 1280)}
_HEADERS: Mapping[int, int] = {4: 40, 6: 60}  # bytes of IP and TCP without options
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
# IP_MTU_DISCOVER, IPV6_MTU_DISCOVER as IP_PMTUDISC_PROBE: with DF, whatever was learnt before
_PROBE: Mapping[int, tuple[int, int, int]] = {4: (0, 10, 3), 6: (41, 23, 3)}
_DATAGRAM_HEADERS: Mapping[int, int] = {4: 28, 6: 48}
_EMSGSIZE = 90
_UNUSED_PORT = 33434  # first of the UDP ports that traceroute asks because nothing listens there
_TELLER_S = 0.5


def try_mtu(ports: Mapping[IPAddress, Port]) -> Mapping[IPAddress, MtuTrial]:
    """Send data through one open TCP port of each address. Left out is what could not be measured."""
    if sys.platform != "linux":
        return {}
    trials = [_Trial(address, port) for address, port in ports.items()]
    end = time.monotonic() + LONGEST_S
    try:
        while not all(trial.over for trial in trials) and (now := time.monotonic()) < end:
            for trial in trials:
                trial.step(now)
            time.sleep(_LOOK_S)
        results = {trial.address: trial.result() for trial in trials}
    finally:
        for trial in trials:
            trial.close()
    return {address: result for address, result in results.items() if result is not None}


class _Trial:
    """One address: full segments, and as soon as those seem lost, full and smaller ones beside them.

    The second full ones tell a path that loses packets by chance from one that loses large packets.
    """

    def __init__(self, address: IPAddress, port: Port) -> None:
        self.address = address
        self._port = port
        self._full = DataTransfer(address, port, time.monotonic())
        self._again: DataTransfer | None = None
        self._smaller: dict[int, DataTransfer] = {}  # by MTU

    def _all(self) -> list[DataTransfer]:
        again = [] if self._again is None else [self._again]
        return [self._full, *again, *self._smaller.values()]

    @property
    def over(self) -> bool:
        """Whether there is nothing more to learn."""
        if self._full.big is Transfer.STALLED:
            return all(one.over for one in self._all())
        return self._full.over

    def step(self, now: float) -> None:
        """Look at every connection."""
        for one in self._all():
            one.step(now)
        if self._again is None and self._full.is_doubtful(now):
            self._again = DataTransfer(self.address, self._port, now)
            self._smaller = {
                mtu: DataTransfer(self.address, self._port, now, mtu - _HEADERS[self.address.version])
                for mtu in self._sizes()
            }

    def _sizes(self) -> Sequence[int]:
        whole = self._full.route_mtu or 0
        return [mtu for mtu in _SMALLER_MTUS[self.address.version] if mtu < whole]

    def result(self) -> MtuTrial | None:
        """What was learnt; None where no connection was made."""
        full, before = self._full, self._full.route_mtu
        if full.small is None or full.big is None:
            return None
        by_chance = self._again is not None and self._again.big is Transfer.ARRIVED
        big = Transfer.ARRIVED if by_chance else full.big
        learnt, teller = self._learnt()
        passed = [mtu for mtu, one in self._smaller.items() if one.big is Transfer.ARRIVED]
        return MtuTrial(
            port=self._port,
            small=full.small,
            big=big,
            segment=full.segment,
            route_mtu=before,
            learnt_mtu=learnt,
            teller=teller,
            working_mtu=max(passed, default=None) if big is Transfer.STALLED else None,
        )

    def _learnt(self) -> tuple[int | None, IPAddress | None]:
        """The size that somebody on the way told, and who did; None where nobody did."""
        now, before = self._full.mtu(), self._full.route_mtu
        if now is None or before is None or now >= before:
            return None, None
        return now, find_teller(self.address, before)

    def close(self) -> None:
        """Free everything."""
        for one in self._all():
            one.close()


def find_teller(address: IPAddress, mtu: int) -> IPAddress | None:
    """Who says that a packet of `mtu` bytes is too big; None where nobody does.

    A TCP socket is not told (`tcp_v4_err` keeps the size alone), a UDP socket is (man 7 ip, IP_RECVERR).
    """
    version = address.version
    with socket.socket(_FAMILIES[version], socket.SOCK_DGRAM) as sock:
        with suppress(OSError):  # refused here, or an error that is pending: the queue tells
            sock.setsockopt(*LINUX.recv_error[version])
            sock.setsockopt(*_PROBE[version])
            sock.connect(sockaddr_of(address, _UNUSED_PORT))
            sock.send(bytes(mtu - _DATAGRAM_HEADERS[version]))
        poller = select.poll()
        poller.register(sock, 0)  # errors alone
        poller.poll(_TELLER_S * 1000)
        while (entry := read_error_queue(sock)) is not None:
            told = entry.origin in {ErrorOrigin.ICMP, ErrorOrigin.ICMP6} and entry.errno == _EMSGSIZE
            if told and entry.offender is not None:
                return with_scope(entry.offender, entry.scope)
    return None
