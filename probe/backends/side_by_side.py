"""Work that waits for others, done in threads side by side; the main thread stays free for signals."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from probe import interruption

_GRACE_S = 2 * interruption.GLANCE_S
T = TypeVar("T")
R = TypeVar("R")


def await_all(futures: Iterable["Future[Any]"]) -> None:
    """Wait until all are done; at a signal, a moment for those that end by themselves then."""
    left = tuple(futures)
    while not interruption.requested() and wait(left, interruption.GLANCE_S).not_done:
        pass
    if interruption.requested():
        wait(left, _GRACE_S)


def outcome(future: "Future[R]") -> R | None:
    """What a thread has brought; None where it has not ended by now."""
    return future.result() if future.done() and not future.cancelled() else None


def side_by_side(work: Callable[[T], R], items: Sequence[T], most: int) -> list[R | None]:
    """Work on every item, at most `most` at once; None for those that a signal cut short.

    Raises:
        Exception: what the work on an item raised.
    """
    pool = ThreadPoolExecutor(most)
    try:
        futures = [pool.submit(work, item) for item in items]
        await_all(futures)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return [outcome(future) for future in futures]
