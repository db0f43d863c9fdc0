"""The page of rules: complete, and as the rules are."""

import pytest
from rules_page import SENTENCES, TOP, page

from probe.explain.answers import READINGS
from probe.model.advice import IMPORTANCE, AdviceRule, Severity, severity_of
from probe.model.evidence import ReadingRule, Response


def test_the_page_is_up_to_date() -> None:
    """`python tests/docs/rules_page.py > docs/rules.md` makes it."""
    assert (TOP / "docs" / "rules.md").read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("rules", SENTENCES, ids=lambda rules: rules.__name__)
def test_every_rule_has_its_sentence(rules) -> None:
    """No member of a closed list is without words, and no words are without a rule."""
    assert set(SENTENCES[rules]) == set(rules)
    assert all(SENTENCES[rules].values())


def test_every_answer_is_read() -> None:
    """Each response alone or compared, and whatever it was where no probe reached the address."""
    compared = {response for rule, response in READINGS if rule is ReadingRule.LIKE_CONTROLS}
    alone = {response for rule, response in READINGS if rule is ReadingRule.ALONE}
    assert compared | alone == set(Response)
    assert compared & alone == set()
    for rule in (ReadingRule.UNLIKE_CONTROLS, ReadingRule.WITHOUT_CONTROLS):
        assert {response for other, response in READINGS if other is rule} == compared
    for rule in (ReadingRule.TUNNEL_DOWN, ReadingRule.WRONG_ROUTE):
        assert {response for other, response in READINGS if other is rule} == set(Response)


def test_severity_follows_importance() -> None:
    """Every rule has a place in the order; what matters more is never called less."""
    assert set(IMPORTANCE) == set(AdviceRule)
    order = list(Severity)
    ranked = sorted(AdviceRule, key=lambda rule: -IMPORTANCE[rule])
    places = [order.index(severity_of(rule)) for rule in ranked]
    assert places == sorted(places)
    assert set(places) == set(range(len(order)))
