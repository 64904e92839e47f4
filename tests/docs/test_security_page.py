"""SECURITY.md and its translation name tests that exist, and no more attempts than the suite makes."""

import re
from pathlib import Path

import pytest

from tests.suite import attack_table
from tests.suite.attack_table import AREAS, PAGES, ROOT

BOTH = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
TEST = re.compile(r"`(tests/[\w/.]+\.py)(?:::(\w+))?`")


def defended(page: Path) -> list[str]:
    """Return the rows of the table of what is defended."""
    section = page.read_text("utf-8").partition("<!-- defended -->")[2].partition("<!-- end -->")[0]
    return [line for line in section.splitlines() if line.startswith("| ")][1:]


@BOTH
def test_each_defence_names_a_test_that_exists(page: Path) -> None:
    rows = defended(page)
    assert len(rows) > 20
    for row in rows:
        named = TEST.findall(row)
        assert named, row
        for file, test in named:
            assert re.search(
                rf"def {test or 'test_'}\b" if test else "def test_", (ROOT / file).read_text("utf-8")
            ), row


def test_both_languages_name_the_same_tests_in_the_same_order() -> None:
    english, chinese = ([TEST.findall(row) for row in defended(page)] for page in PAGES)
    assert english == chinese


@BOTH
def test_the_suite_makes_at_least_as_many_attempts_as_the_page_says(
    page: Path, request: pytest.FixtureRequest
) -> None:
    numbers = attack_table.listed(page.read_text("utf-8"))
    assert len(numbers) > 10
    options, collected = request.config.option, {item.path for item in request.session.items}
    every = {*ROOT.glob("tests/attack/test_*.py"), *ROOT.glob("tests/fuzz/test_*.py")}
    if options.keyword or options.markexpr or not every <= collected:
        pytest.skip("only a whole run can count")
    counts = attack_table.counted(request.session.items)
    made = {names[PAGES[page]]: count for names, count in counts.items()}
    assert [name for name, number in numbers.items() if made.get(name, 0) < number] == []


def test_areas_have_different_names_in_both_languages() -> None:
    for language in (0, 1):
        assert len({names[language] for names in AREAS}) == len(AREAS)
