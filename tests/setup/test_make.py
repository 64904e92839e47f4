"""`make` and `.ci/run`: the commands they run, in which order, and their exit status."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., CompletedProcess[str]]
StandIn = Callable[[str, str], Path]

TOOLS = ("ruff", "mypy", "lint-imports", "coverage", "python")
CLOSING_LINE = "===== 7 passed in 1.00s ====="


@pytest.fixture
def tools(checkout: Path, stand_in: StandIn) -> Callable[[str, str], None]:
    """Fill .venv/bin with tools that only print their names; return a function that replaces one of them."""
    folder = checkout / ".venv/bin"
    (checkout / ".local").mkdir()

    def behave(name: str, script: str) -> None:
        stand_in(str(folder / name), f'echo "{name} $*"\n{script}')

    for name in TOOLS:
        behave(name, "")
    behave("python", f'echo "{CLOSING_LINE}"')
    return behave


@pytest.mark.parametrize(
    ("target", "started"),
    [
        ("setup", ["venv.sh", "setup.py"]),
        ("demo", ["venv.sh", "setup.py", "chatops playground", "--demo-pr"]),
        ("test", ["venv.sh", "setup.py --browser", "suite.sh --demo-pr"]),
        ("test-cluster", ["venv.sh", "setup.py", "tests.cluster.local test --demo-pr"]),
        ("flaky", ["venv.sh", "setup.py --browser", "tests.suite.flaky --demo-pr"]),
        ("down", ["setup.py --down"]),
    ],
)
def test_each_target_runs_its_parts_in_order(run: Run, target: str, started: list[str]) -> None:
    plan = run("make", "-n", target, "ARGS=--demo-pr").stdout
    positions = [plan.find(part) for part in started]
    assert -1 not in positions, plan
    assert positions == sorted(positions)


def test_demo_needs_no_browser(run: Run) -> None:
    assert "--browser" not in run("make", "-n", "demo").stdout


def test_flaky_uses_one_cluster_for_all_runs(run: Run) -> None:
    plan = run("make", "-n", "flaky", "CLUSTER=on").stdout
    assert "-m tests.cluster.local run .venv/bin/python -m tests.suite.flaky tests/cluster\n" in plan


def test_demo_gets_the_registrys_address(run: Run) -> None:
    plan = run("make", "-n", "demo", "CHATOPS_REGISTRY_PORT=5123").stdout
    assert "chatops playground --registry http://127.0.0.1:5123" in plan


def test_help_lists_every_target(run: Run, checkout: Path) -> None:
    makefile = (checkout / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert targets
    shown = run("make").stdout
    for target in targets[1].split():
        assert f"make {target}" in shown


@pytest.mark.parametrize("status", ["0", "2"])
def test_ci_runs_make_test_without_standard_input(run: Run, stand_in: StandIn, status: str) -> None:
    stand_in("make", f'echo "make $*"; read -r answer && echo asked; echo problem >&2; exit {status}')
    done = run("bash", ".ci/run")
    assert done.returncode == int(status)
    assert done.stdout.split("\n")[:2] == ["make test", "problem"]


def called(output: str) -> list[str]:
    """Return the name of each tool that ran, in order."""
    return [line.split()[0] for line in output.splitlines() if line.startswith(TOOLS)]


@pytest.mark.usefixtures("tools")
def test_suite_checks_style_types_layers_then_the_pure_code_then_everything(run: Run) -> None:
    done = run("deploy/local/suite.sh", CLUSTER="off")
    assert called(done.stdout) == [
        *("ruff", "ruff", "mypy", "lint-imports", "python", "coverage", "python", "python", "python")
    ]
    assert "-m pytest -n 2 --dist loadgroup --junitxml=.local/pytest.xml\n" in done.stdout
    assert done.returncode == 0


@pytest.mark.usefixtures("tools")
def test_the_pure_code_is_measured_in_processes_of_its_own_tests(run: Run) -> None:
    said = run("deploy/local/suite.sh", CLUSTER="off").stdout
    measured = re.search(r"-m pytest -n 2 --dist loadgroup --quiet --cov --cov-report= (.+)", said)
    assert measured
    tests = measured[1].split()
    assert all((Path(__file__).parents[2] / test).exists() for test in tests)
    assert {"tests/core", "tests/words"} < set(tests)
    assert said.count("--cov ") == 1
    assert "coverage report --fail-under=100" in said


@pytest.mark.usefixtures("tools")
def test_selected_tests_start_at_once(run: Run) -> None:
    done = run("deploy/local/suite.sh", "-k", "x")
    assert called(done.stdout) == ["python", "python"]
    assert "-m pytest -n 2 --dist loadgroup --junitxml=.local/pytest.xml -k x" in done.stdout
    assert done.returncode == 0


@pytest.mark.usefixtures("tools")
def test_suite_ends_with_the_summary_of_pytest(run: Run) -> None:
    assert run("deploy/local/suite.sh").stdout.splitlines()[-1] == CLOSING_LINE


def test_suite_lists_the_slowest_tests_of_both_runs(run: Run, tools: Callable[[str, str], None]) -> None:
    say = '[[ "$*" != *--junitxml* ]] || echo "report of $*" >"$(sed "s/.*--junitxml=//; s/ .*//" <<<"$*")"'
    tools("python", f'{say}; [[ "$*" != *slowest* ]] || cat "${{@:3}}"; echo "{CLOSING_LINE}"')
    said = run("deploy/local/suite.sh").stdout.partition("== slowest tests")[2]
    assert "report of -m pytest" in said
    assert "report of -m tests.cluster.local test" in said


def test_an_unreadable_report_does_not_fail_the_suite(run: Run, tools: Callable[[str, str], None]) -> None:
    tools("python", f'[[ "$*" != *slowest* ]] || exit 1; echo "{CLOSING_LINE}"')
    done = run("deploy/local/suite.sh")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == CLOSING_LINE


@pytest.mark.usefixtures("tools")
def test_suite_prints_the_time_of_each_part_including_setup(run: Run) -> None:
    a_thousand_seconds_ago = str(int(time.time()) - 1000)
    said = run("deploy/local/suite.sh", STARTED=a_thousand_seconds_ago).stdout
    _, _, listed = said.partition("== time taken\n")
    parts = {name: int(seconds) for seconds, name in re.findall(r"^ *(\d+) s  (.+)$", listed, re.MULTILINE)}
    assert list(parts) == [
        "setup",
        "cluster",
        "ruff",
        "mypy",
        "import-linter",
        "pure code: every branch",
        "pytest",
        "fuzzing for a minute",
        "wait for the cluster to be built",
        "pytest on a cluster",
        "slowest tests",
    ]
    assert parts["setup"] >= 1000 > parts["pytest"]


def test_make_passes_the_start_time_of_the_setup(run: Run) -> None:
    assert re.search(r"STARTED=\d{10,} deploy/local/suite.sh", run("make", "-n", "test").stdout)


def test_failed_tests_fail_the_suite_and_coverage_is_still_shown(
    run: Run, tools: Callable[[str, str], None]
) -> None:
    tools("python", "[[ $* != '-m pytest '* ]] || { echo '1 failed'; exit 1; }")
    done = run("deploy/local/suite.sh")
    assert done.returncode == 1
    assert "coverage report" in done.stdout
    assert done.stdout.splitlines()[-1] == "1 failed"


def test_an_uncovered_branch_of_the_pure_code_fails_the_suite(
    run: Run, tools: Callable[[str, str], None]
) -> None:
    tools("coverage", '[[ "$*" != *--fail-under=100* ]]')
    done = run("deploy/local/suite.sh")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-2] == "failed: pure code: every branch"


@pytest.mark.parametrize("tool", ["ruff", "mypy", "lint-imports"])
def test_a_failed_check_stops_before_the_long_tests(
    run: Run, tools: Callable[[str, str], None], tool: str
) -> None:
    tools(tool, "exit 1")
    done = run("deploy/local/suite.sh")
    assert done.returncode == 1
    assert "pytest" not in done.stdout


@pytest.mark.usefixtures("tools")
def test_suite_prepares_a_cluster_first_and_tests_on_it_last(run: Run) -> None:
    done = run("deploy/local/suite.sh")
    said = [line for line in done.stdout.splitlines() if line.startswith(TOOLS)]
    assert said[0] == "python -m tests.cluster.local prepare"
    [everything] = [line for line in said if "--cov " in line]
    [on_cluster] = [line for line in said if line.endswith(" tests/cluster")]
    assert said.index(everything) < said.index(on_cluster)
    assert on_cluster.startswith("python -m tests.cluster.local test -n 4")
    assert done.stdout.splitlines()[-2:] == [CLOSING_LINE, CLOSING_LINE]


def test_suite_waits_for_the_cluster_to_be_built_before_it_tests_on_it(
    run: Run, tools: Callable[[str, str], None], checkout: Path
) -> None:
    os.mkfifo(checkout / "going")
    built_late = "read -r _ <going; for ((n = 0; n < 100000; n++)); do :; done; touch built; exit 1"
    tools(
        "python",
        f"""case "$*" in
            *"local build") {built_late} ;;
            "-m pytest "*xml) echo >going ;;
            *"local test"*) [ -e built ] || exit 1 ;;
        esac
        echo "{CLOSING_LINE}" """,
    )
    assert run("deploy/local/suite.sh").returncode == 0


def test_failed_tests_on_the_cluster_fail_the_suite(run: Run, tools: Callable[[str, str], None]) -> None:
    tools("python", f'[[ "$*" == *"local test"* ]] && exit 1; echo "{CLOSING_LINE}"')
    done = run("deploy/local/suite.sh")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-3:] == [
        "The tests on a cluster did not run.",
        "failed: pytest on a cluster",
        CLOSING_LINE,
    ]


def test_without_permission_for_a_cluster_the_suite_stops_at_once(
    run: Run, tools: Callable[[str, str], None]
) -> None:
    tools("python", '[[ "$*" != *prepare ]] || { echo "do this instead"; exit 1; }')
    done = run("deploy/local/suite.sh")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "do this instead"


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize(("arguments", "variables"), [([], {"CLUSTER": "off"}), (["-k", "x"], {})])
def test_selected_tests_and_cluster_off_need_no_cluster(
    run: Run, arguments: list[str], variables: dict[str, str]
) -> None:
    done = run("deploy/local/suite.sh", *arguments, **variables)
    assert "tests.cluster" not in done.stdout
    assert done.returncode == 0
