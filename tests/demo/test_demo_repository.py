"""The story of the demo repository: passing tests, a feature with a bug, and the fix."""

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

import playground
from bot.model.pipeline import Pipeline, RunnerName
from tests.real.parts import PATIENCE

PLAYGROUND = Path(playground.__file__).parent
Outcome = dict[str, str]
Suite = Callable[..., Outcome]


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """Run the demo repository's tests with these changes and return the outcome of each test."""

    def run(*changes: str, failed: str = "") -> Outcome:
        checkout = tmp_path / "checkout"
        for layer in ("demo", *(f"demo_changes/{name}" for name in changes)):
            shutil.copytree(PLAYGROUND / layer, checkout, dirs_exist_ok=True)
        report = tmp_path / "junit.xml"
        subprocess.run(  # noqa: S603 - constant arguments
            [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}"],
            cwd=checkout,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONDONTWRITEBYTECODE": "1",
                "CHATOPS_FAILED_TESTS": failed,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=False,
            timeout=PATIENCE,
        )
        cases = ET.parse(report).iter("testcase")  # noqa: S314 - written by our own pytest a moment ago
        return {case.attrib["name"]: case[0].tag if len(case) else "passed" for case in cases}

    return run


def outcomes(found: Outcome) -> set[str]:
    return set(found.values())


def test_main_branch_passes_and_needs_no_service(suite: Suite) -> None:
    found = suite()
    assert outcomes(found) == {"passed", "skipped"}
    assert found["test_newest_entry_comes_first"] == "passed"
    assert found["test_service_says_that_it_is_well"] == "skipped"


def test_feature_has_a_bug_that_fails_one_test(suite: Suite) -> None:
    found = suite("feature")
    assert [name for name, outcome in found.items() if outcome == "failure"] == ["test_hours"]


def test_fix_makes_the_tests_pass(suite: Suite) -> None:
    found = suite("feature", "fix")
    assert outcomes(found) == {"passed", "skipped"}
    assert found["test_hours"] == "passed"


def test_a_retest_of_failed_tests_runs_only_those(suite: Suite) -> None:
    assert suite("feature", "fix", failed="tests.test_ago::test_hours") == {"test_hours": "passed"}


def test_unknown_test_names_run_all_tests(suite: Suite) -> None:
    assert len(suite(failed="tests.test_gone::test_gone")) > 10


def test_pipeline_file_is_valid_and_spells_out_the_story() -> None:
    content = yaml.safe_load((PLAYGROUND / "demo/.chatops.yml").read_text())
    content["on"] = content.pop(True)  # YAML 1.1 reads a bare `on` as true
    pipeline = TypeAdapter(Pipeline).validate_python(content)
    assert pipeline.on.open == pipeline.on.update == ("build", "deploy", "test")
    assert pipeline.on.close == ("teardown",)
    assert (pipeline.build.runner, pipeline.build.target) == (RunnerName.DOCKER, "runtime")
    assert (pipeline.deploy.port, pipeline.deploy.health.path) == (8080, "/healthz")
    assert (pipeline.test.target, pipeline.test.report) == ("test", "/reports")


def test_the_build_context_contains_only_needed_files() -> None:
    ignored = (PLAYGROUND / "demo/.dockerignore").read_text().split()
    assert {".git", "chart", ".chatops.yml"} <= set(ignored)
