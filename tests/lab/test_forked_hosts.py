"""Signals that come while a host's process is being made."""

import os
import signal
import threading

from probe import interruption

ENDING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


def test_signals_wait_for_a_fork() -> None:
    """They come to this process afterwards; the child has them wait until it is settled."""
    came = []
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in ENDING}
    try:
        reading, writing = os.pipe()
        with interruption.held_back():
            child = os.fork()
            if child == 0:
                held = signal.pthread_sigmask(signal.SIG_BLOCK, ()) >= ENDING
                interruption.let_come()
                let = not ENDING & signal.pthread_sigmask(signal.SIG_BLOCK, ())
                os.write(writing, bytes([held, let]))
                os._exit(0)
            signal.pthread_kill(threading.get_ident(), signal.SIGINT)  # no other thread may take it
            assert came == []
        assert came == [signal.SIGINT]
        assert os.read(reading, 2) == bytes([True, True])
        os.waitpid(child, 0)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reading)
        os.close(writing)
