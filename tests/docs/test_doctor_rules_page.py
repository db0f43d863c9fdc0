"""The page of the doctor's rules is as the rules are."""

import doctor_rules_page


def test_the_page_is_up_to_date() -> None:
    """`python tests/docs/doctor_rules_page.py > docs/doctor-rules.md` makes it."""
    written = (doctor_rules_page.TOP / "docs" / "doctor-rules.md").read_text(encoding="utf-8")
    assert written == doctor_rules_page.page()
