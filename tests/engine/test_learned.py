"""What the answers of an address teach about the tries that it needs."""

import pytest

from probe.engine.pacing import MAX_TRIES, SILENCE_DOUBT, PathStats

# questions answered, of these to which try, tries asked for -> tries given
TRIES = [
    (0, 1, 3, 3),
    (40, 1, 3, 3),
    (40, 1, 2, 2),
    (10, 2, 3, MAX_TRIES),
    (10, 5, 1, 1),
    (10, 9, 12, 12),
]


@pytest.mark.parametrize(("answers", "attempt", "asked", "given"), TRIES)
def test_tries(answers: int, attempt: int, asked: int, given: int) -> None:
    """As many as asked for, and more where tries were lost; a single one stays a single one."""
    learned = PathStats()
    for _ in range(answers):
        learned.answer(attempt, 0.01)
    assert learned.tries(asked) == given


def test_tries_leave_little_doubt() -> None:
    """With the tries that are given, loss alone hardly explains a silence; with one less it might."""
    learned = PathStats(answered=9, lost=1)
    tries = learned.tries(2)
    assert 0.1**tries <= SILENCE_DOUBT < 0.1 ** (tries - 1)


def test_answers_teach_the_time() -> None:
    """An answer is a sample of the round trip."""
    learned = PathStats()
    learned.answer(1, 0.2)
    assert learned.rtt.smoothed == 0.2


@pytest.mark.parametrize(
    ("usual", "rtt", "repeats"),
    [
        (None, 0.9, 0),
        (None, 1.004, 1),  # the first answer: the address may be that far, or not
        (0.1, 0.5, 0),
        (0.1, 1.1, 1),
        (0.1, 2.1, 2),
        (0.9, 1.2, 0),  # far enough for it
    ],
)
def test_answers_to_what_the_kernel_sent_again(usual: float | None, rtt: float, repeats: int) -> None:
    """An answer that took whole seconds longer than usual is one to a repeated SYN."""
    learned = PathStats()
    for _ in range(20 if usual else 0):
        learned.rtt.sample(usual)
    assert learned.repeated_after(rtt) == repeats
