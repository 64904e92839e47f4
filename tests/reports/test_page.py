import re
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model.report import Case, CaseState, Report, UnreadableFile
from bot.model.text import Language
from bot.reports import page
from bot.reports.page import ReportPage
from bot.reports.results import SuiteResults
from bot.reports.stream import printable

EVIL = "</pre></details></style><script>alert(1)</script><img src=x onerror=alert(1)>\"'\x00\x1b[31m\u202e"

PAGE = ReportPage(Language.EN)


class Outline(HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def suite(*cases: Case, name: str = "default", truncated: bool = False) -> SuiteResults:
    return SuiteResults(name, Report(cases, truncated))


def shown(*suites: SuiteResults) -> str:
    return PAGE.render(42, suites)


def failed(name: str = "test", text: str = "boom") -> Case:
    return Case("pkg.mod", name, CaseState.FAILED, 0.1, text, text, text)


def passed(number: int, group: str = "pkg.mod") -> Case:
    return Case(group, f"test_{number}", CaseState.PASSED, 0.01)


@settings(deadline=None, max_examples=40)
@given(st.one_of(st.just(EVIL), st.text(max_size=40)))
def test_hostile_text_adds_no_tag_and_no_attribute(value: str) -> None:
    states = list(CaseState)
    cases = [Case(value or "x", value or "x", state, 0.1, value, value, value) for state in states]
    plain = [Case("x", "x", state, 0.1, value and "x", value and "x", value and "x") for state in states]

    hostile = Outline(shown(suite(*cases, name=value or "x")))

    if value.strip() and printable(value).strip():
        assert hostile.tags == Outline(shown(suite(*plain, name="x"))).tags
    assert {tag for tag, _ in hostile.tags}.isdisjoint(
        {"script", "img", "iframe", "a", "link", "form", "object"}
    )


def test_the_page_is_self_contained() -> None:
    html = shown(suite(failed(), passed(1)))

    assert not re.search(r"https?:|src=|url\(|@import|<script|\son\w+=", html)


def test_the_page_has_both_languages_and_starts_with_the_configured_one() -> None:
    for language, other in ((Language.EN, Language.ZH), (Language.ZH, Language.EN)):
        html = ReportPage(language).render(42, [suite(failed())])
        inputs = {attributes["id"]: attributes for tag, attributes in Outline(html).tags if tag == "input"}

        assert "checked" in inputs[f"l-{language}"]
        assert "checked" not in inputs[f"l-{other}"]
        assert "1 个测试失败" in html
        assert "1 test failed" in html


def test_failures_are_first_with_their_messages() -> None:
    html = shown(suite(passed(1), failed("test_broken", "AssertionError: 1 != 2"), passed(2)))

    assert html.index("test_broken") < html.index("test_1")
    assert html.count("AssertionError: 1 != 2") == 3


def test_a_flaky_test_is_marked_but_collapsed() -> None:
    html = shown(suite(Case("m", "sometimes", CaseState.FLAKY, 1.0, "late", "late", "")))

    cards = [
        attributes for tag, attributes in Outline(html).tags if "failure" in (attributes.get("class") or "")
    ]

    assert [card["class"] for card in cards] == ["failure case flaky passed"]
    assert "open" not in cards[0]


def test_only_the_first_failures_are_open() -> None:
    html = shown(suite(*(failed(str(number)) for number in range(50))))
    cards = [
        attributes for _, attributes in Outline(html).tags if "failure " in (attributes.get("class") or "")
    ]

    assert len(cards) == 50
    assert sum("open" in card for card in cards) == page.MOST_OPEN


def test_a_report_of_twenty_thousand_tests_is_usable() -> None:
    cases = [
        failed(f"f{number}", "x" * 50_000) if number % 40 == 0 else passed(number) for number in range(20_000)
    ]

    html = shown(suite(*cases, truncated=True))

    assert len(html) < 10_000_000
    assert html.count('<tr class="case passed"') == page.MOST_ROWS - 500
    assert html.count('<tr class="case failed"') == 500
    assert "Not listed: 10000 more passed tests." in html
    assert "Not shown in full, but named in the tables below: 200 more failures." in html
    assert "it lists the first ones" in html


def test_many_groups_are_cut_and_counted() -> None:
    html = shown(suite(*(passed(number, f"m{number}") for number in range(600))))

    assert html.count('class="group') == page.MOST_GROUPS
    assert "Not listed: 100 more groups of tests." in html


def test_long_output_keeps_its_start_and_end() -> None:
    html = shown(suite(failed(text="begin" + "x" * 20_000 + "end")))

    assert "begin" in html
    assert "end</pre>" in html
    assert "x" * 10_000 not in html


def test_groups_with_failures_are_first() -> None:
    html = shown(suite(passed(1, "good"), Case("bad", "t", CaseState.FAILED)))

    assert html.index('<span class="name">bad') < html.index('<span class="name">good')


def test_a_skipped_test_shows_its_reason() -> None:
    assert "needs a certificate" in shown(suite(Case("m", "t", CaseState.SKIPPED, 0, "needs a certificate")))


def test_a_report_without_tests_is_not_a_success() -> None:
    assert "No tests" in shown(suite())


def test_a_file_that_cannot_be_read_is_no_success() -> None:
    files = (UnreadableFile("/reports/TEST-<b>.xml", "line 1: <no>"),)
    html = shown(SuiteResults("default", Report((passed(1),), unreadable=files)))

    assert "1 report cannot be read" in html
    assert "/reports/TEST-&lt;b&gt;.xml" in html
    assert "<title>✕" in html
    assert "All passed" not in html


def test_a_report_whose_tests_were_all_skipped_is_not_a_success() -> None:
    html = shown(suite(Case("a", "b", CaseState.SKIPPED)))

    assert "No test ran" in html
    assert "<title>–" in html


def test_the_slowest_tests_are_listed() -> None:
    html = shown(suite(*(Case("m", f"slow_{number}", CaseState.PASSED, number) for number in range(20))))

    names = re.findall(r"slow_\d+", html[html.index('class="slowest"') :])

    assert names == [f"slow_{number}" for number in range(19, 9, -1)]
