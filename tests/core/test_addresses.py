from datetime import UTC, datetime

import pytest

from bot.model.addresses import Addresses
from bot.model.delivery import Trigger
from bot.model.forge import RepoPath
from bot.model.plan import Plan
from bot.model.run import Origin, Run, StepRecord, StepResult, StepState, TestCounts
from bot.model.text import Language
from bot.model.views import Links

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PUBLIC = Addresses("https://bot.example.com/", "test.example.com", "https", 443)


def run(*steps: StepRecord) -> Run:
    repo = RepoPath("team", "商店")
    return Run(42, repo, 12, "a" * 40, Plan(()), Origin(Trigger.OPEN, ""), Language.ZH, NOW, steps=steps)


@pytest.mark.parametrize(
    ("scheme", "port", "address"),
    [
        ("http", 80, "http://pr-12-shop.test.example.com/"),
        ("https", 443, "https://pr-12-shop.test.example.com/"),
        ("http", 8003, "http://pr-12-shop.test.example.com:8003/"),
        ("https", 80, "https://pr-12-shop.test.example.com:80/"),
    ],
)
def test_a_preview_url_contains_only_a_non_default_port(scheme: str, port: int, address: str) -> None:
    assert Addresses("", "test.example.com", scheme, port).preview("pr-12-shop") == address


def test_a_run_links_to_the_logs_that_exist_and_to_its_report() -> None:
    tested = StepRecord("test", StepState.PASSED, NOW, NOW, StepResult(StepState.PASSED, tests=TestCounts(1)))
    assert PUBLIC.links(run(StepRecord("build"), tested)) == Links(
        run="https://bot.example.com/runs/42",
        report="https://bot.example.com/reports/42/",
        logs={"test": "https://bot.example.com/runs/42#test"},
        services="https://bot.example.com/runs/42/services",
        pull="https://bot.example.com/prs/team/%E5%95%86%E5%BA%97/12",
    )


def test_the_output_of_a_service_has_a_place_on_the_page_of_its_run() -> None:
    assert PUBLIC.services(run(), "db/1") == "https://bot.example.com/runs/42/services#db/1"
    assert Addresses("", "test.example.com").services(run(), "db") == ""


def test_without_a_report_or_a_public_address_there_is_no_link() -> None:
    assert PUBLIC.links(run(StepRecord("build"))).report == ""
    bare = Addresses("", "test.example.com").links(run(StepRecord("build", started_at=NOW)))
    assert bare == Links(logs={"build": ""})
