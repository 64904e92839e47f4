"""Runs in every state, and the views of their comments, whose texts are compared with tests/golden/."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.model.delivery import Trigger
from bot.model.environment import Environment, EnvironmentKey, EnvironmentState, Outage
from bot.model.forge import Merge, Obstacle, RepoPath
from bot.model.pipeline import BuildConfig, DeployConfig, RunnerName, TestConfig
from bot.model.plan import Build, Deploy, Plan, Step, Teardown, Test
from bot.model.queue import BlockedBy, QueuePosition
from bot.model.reason import Reason
from bot.model.run import (
    Image,
    Note,
    Origin,
    Run,
    RunState,
    StepRecord,
    StepResult,
    StepState,
    StopRequest,
    TestCounts,
    Trouble,
)
from bot.model.scan import Scan, Severity
from bot.model.text import Language
from bot.model.views import Links, RunView, View
from tests.render.suite_samples import (
    COVERAGE_ONLY,
    FAILED_AND_BROKEN,
    NO_TEST_RAN,
    NOTHING_TESTED,
    ONE_EMPTY,
    TESTED_BY_BUILD,
    UNREADABLE,
)

SHA = "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334"
OLDER = "7d6c5b4a39281706f5e4d3c2b1a0998877665544"
NEWER = "0f1e2d3c4b5a69788796a5b4c3d2e1f001122334"
REPO = RepoPath("lin", "guestbook")
START = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
URL = "http://pr-12-guestbook.preview.example.com/"
IMAGE = Image(
    reference=f"registry.example.com/lin/guestbook:pr-12-{SHA[:8]}",
    digest="sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    size=46_212_331,
    sha=SHA,
)
SCANNED = replace(
    IMAGE, scan=Scan({Severity.CRITICAL: 2, Severity.HIGH: 5, Severity.LOW: 31}, 12, "Trivy v0.61.0")
)
BUILD = Build(SHA, BuildConfig())
DEPLOY = Deploy(SHA, DeployConfig(), {})
TEST = Test(SHA, TestConfig(), BuildConfig())
LINKS = Links(
    run="https://bot.example.com/runs/42",
    report="",
    logs={},
    services="https://bot.example.com/runs/42/services",
    pull="https://bot.example.com/prs/lin/guestbook/12",
)
BUILD_LOG = """\
Step 4/7 : RUN pip install --no-index -r requirements.txt
 ---> Running in 3f2a9d1c7b55
ERROR: Could not find a version that satisfies the requirement flask==3.1 (from versions: none)
ERROR: No matching distribution found for flask==3.1"""


def run(*records: StepRecord, state: RunState = RunState.PASSED, command: str = "/test") -> Run:
    steps: dict[str, Step] = {
        "build": BUILD,
        "deploy": DEPLOY,
        "test": TEST,
        "teardown": Teardown(everything=True),
    }
    return Run(
        id=42,
        repo=REPO,
        number=12,
        sha=SHA,
        plan=Plan(tuple(steps[record.name] for record in records)),
        origin=Origin(Trigger.COMMENT, "mei", command),
        language=Language.ZH,
        created_at=START,
        state=state,
        steps=records,
        started_at=START,
        author="lin",
    )


def automatic(given: Run, trigger: Trigger = Trigger.UPDATE) -> Run:
    return replace(given, origin=Origin(trigger, "lin"))


def over(name: str, seconds: float, result: StepResult) -> StepRecord:
    ended = START + timedelta(seconds=seconds)
    return StepRecord(name, result.state, START, ended, result)  # type: ignore[arg-type] # a literal, spelled out


APP_LOG = """\
Traceback (most recent call last):
  File "/app/app.py", line 3, in <module>
    database = os.environ["DATABASE_URL"]
"""
BUILT = over("build", 12.4, StepResult(StepState.PASSED, image=IMAGE))
DEPLOYED = over("deploy", 3.25, StepResult(StepState.PASSED, url=URL, environment="preview", image=IMAGE))
TESTED = over("test", 65.0, StepResult(StepState.PASSED, tests=TestCounts(128, 0, 2, 1, 60.5)))
TESTS_FAILED = over(
    "test",
    8.1,
    StepResult(
        StepState.FAILED,
        Reason.TESTS_FAILED,
        {"failed": "5", "total": "131"},
        tests=TestCounts(124, 5, 2),
        failed_tests=(
            "tests.test_book::test_keeps_the_newest_first",
            "tests.test_book::test_refuses_an_empty_name",
            "tests.test_pages::test_escapes[<script>alert('1')</script>]",
            "tests.test_pages::test_greets[@all]",
            "tests.test_service::test_answers | quickly",
        ),
        failure_messages={
            "tests.test_book::test_keeps_the_newest_first": "AssertionError: assert ['tea', 2] == [2, 'tea']",
            "tests.test_pages::test_escapes[<script>alert('1')</script>]": "`</code>` is not in <b>page</b>",
        },
        failed_suites=("default",),
    ),
)
BUILD_FAILED = over(
    "build",
    6.0,
    StepResult(
        StepState.FAILED,
        Reason.BUILD_FAILED,
        {
            "instruction": "RUN pip install --no-index -r requirements.txt",
            "code": "1",
            "cause": "ERROR: No matching distribution found for flask==3.1",
        },
        log_tail=BUILD_LOG,
    ),
)
EXITED = over(
    "deploy",
    1.4,
    StepResult(
        StepState.FAILED,
        Reason.CONTAINER_EXITED,
        {"name": "app", "code": "1", "cause": "KeyError: 'DATABASE_URL'"},
        log_tail=f"{APP_LOG}KeyError: 'DATABASE_URL'",
    ),
)
SETUP_FAILED = over(
    "deploy",
    12.4,
    StepResult(
        StepState.FAILED,
        Reason.SETUP_FAILED,
        {
            "name": "setup",
            "command": "python3 manage.py migrate",
            "code": "1",
            "cause": 'django.db.utils.ProgrammingError: relation "book" does not exist',
        },
        log_tail='Applying book.0002... \ndjango.db.utils.ProgrammingError: relation "book" does not exist',
        environment="preview",
        serving_sha=OLDER,
    ),
)
SETUP_OVERDUE = over(
    "deploy",
    604.0,
    StepResult(
        StepState.FAILED,
        Reason.SETUP_TIMED_OUT,
        {"name": "setup", "command": "psql < examples.sql …", "seconds": "600"},
    ),
)
READ_ONLY = over(
    "deploy",
    2.1,
    StepResult(
        StepState.FAILED,
        Reason.READ_ONLY,
        {
            "name": "app",
            "code": "1",
            "setting": "[docker] restricted",
            "cause": '[emerg] open() "/var/log/nginx/access.log" failed (30: Read-only file system)',
        },
        log_tail='nginx: [emerg] open() "/var/log/nginx/access.log" failed (30: Read-only file system)',
    ),
)
CRASHED = over(
    "deploy",
    7.5,
    StepResult(
        StepState.FAILED,
        Reason.CONTAINER_EXITED,
        {"name": "app", "code": "4"},
        log_tail="no config",
        environment="preview",
        serving_sha=OLDER,
    ),
)
LOGS = {name: f"https://bot.example.com/runs/42#{name}" for name in ("build", "deploy", "test")}


SEVERAL = replace(
    IMAGE,
    reference="registry.example.com/lin/guestbook/web:pr-12-a1b2c3d4",
    name="web",
    beside=(
        replace(
            SCANNED,
            reference=f"registry.example.com/lin/guestbook/api:pr-12-{OLDER[:8]}",
            digest="sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
            name="api",
            built_from=OLDER,
        ),
    ),
)
MERGED = over(
    "build", 12.0, StepResult(StepState.PASSED, image=replace(IMAGE, merge=Merge(NEWER, OLDER, OLDER)))
)
CONFLICT = {"sha": SHA, "onto": OLDER, "paths": "app/cart.py, app/`views`.py"}
PUBLIC = {
    "api": "http://api--pr-12-guestbook.preview.example.com/",
    "docs": "http://pr-12-guestbook.preview.example.com/docs",
}
DEPLOYED_PUBLICLY = replace(
    DEPLOYED, result=replace(DEPLOYED.result or StepResult(StepState.PASSED), services=PUBLIC)
)
ONE_OF_SEVERAL_FAILED = over(
    "build",
    8.2,
    StepResult(
        StepState.FAILED,
        Reason.BUILD_FAILED,
        {"instruction": "RUN pip install --no-index -r requirements.txt", "code": "1", "of_image": "api"},
        log_tail=BUILD_LOG,
    ),
)
VULNERABLE = over(
    "build",
    41.0,
    StepResult(
        StepState.FAILED,
        Reason.VULNERABLE,
        {"severity": "high", "found": "7", "total": "38", "fixable": "12"},
        image=SCANNED,
    ),
)


def waiting(name: str) -> StepRecord:
    return StepRecord(name)  # type: ignore[arg-type] # a literal, spelled out


def skipped(name: str) -> StepRecord:
    result = StepResult(StepState.SKIPPED, Reason.SKIPPED_AFTER_FAILURE)
    return StepRecord(name, StepState.SKIPPED, result=result)  # type: ignore[arg-type] # a literal, spelled out


def view(
    given: Run, *commands: str, logs: bool = True, report: bool = False, position: QueuePosition | None = None
) -> RunView:
    started = [record.name for record in given.steps if record.started_at]
    links = replace(
        LINKS,
        logs={name: LOGS[name] for name in started if logs and name in LOGS},
        report="https://bot.example.com/reports/42/" if report else "",
    )
    return RunView(given, links, "lin", position, commands)


def queued() -> Run:
    return replace(run(state=RunState.QUEUED), started_at=None)


def tested(result: StepResult) -> Run:
    state = RunState.FAILED if result.state is StepState.FAILED else RunState.PASSED
    return automatic(run(BUILT, DEPLOYED, over("test", 8.1, result), state=state))


def _running() -> Run:
    going = StepRecord("deploy", StepState.RUNNING, START + timedelta(seconds=13), attempt=2)
    return automatic(run(BUILT, going, waiting("test"), state=RunState.RUNNING))


def _going(**changes: object) -> Run:
    """Return a run with a running deployment in this state."""
    going = replace(_running().steps[1], attempt=1, **changes)  # type: ignore[arg-type] # any of its fields
    return automatic(run(BUILT, going, waiting("test"), state=RunState.RUNNING))


def _stopped(reason: Reason, facts: dict[str, str], state: RunState) -> Run:
    cut = over("test", 2.0, StepResult(StepState.CANCELLED, reason, facts))
    return replace(run(BUILT, DEPLOYED, cut, state=state), stop=StopRequest(reason, facts))


def _broken() -> Run:
    facts = {"message": "connect unix /var/run/docker.sock: no such file or directory"}
    broken = over("build", 61.0, StepResult(StepState.BROKEN, Reason.ENGINE_UNAVAILABLE, facts))
    return run(broken, skipped("deploy"), state=RunState.FAILED, command="/deploy")


FAILED_TESTS = automatic(run(BUILT, DEPLOYED, TESTS_FAILED, state=RunState.FAILED))


EXITED_RUN = run(BUILT, EXITED, skipped("test"), state=RunState.FAILED)


def no_dockerfile(**found: str) -> Run:
    result = StepResult(StepState.FAILED, Reason.NO_DOCKERFILE, {"path": "Dockerfile", **found})
    return run(over("build", 0.4, result), state=RunState.FAILED, command="/build")


FAILED_BUILD = automatic(
    run(BUILD_FAILED, skipped("deploy"), skipped("test"), state=RunState.FAILED), Trigger.OPEN
)
FAILED_DEPLOY = automatic(run(BUILT, CRASHED, skipped("test"), state=RunState.FAILED))
PASSED = run(BUILT, DEPLOYED, TESTED)
_TORN_DOWN = over("teardown", 0.62, StepResult(StepState.PASSED, facts={"environments": "preview"}))
_KEPT_FACTS = {"environments": "preview", "kept": "pr-12-a1b2c3d4, pr-12-0f1e2d3c"}
_KEPT = over("teardown", 0.62, StepResult(StepState.PASSED, facts=_KEPT_FACTS))
_NO_TESTS = over("test", 0.1, StepResult(StepState.SKIPPED, Reason.NO_TESTS))
_NOTES = (
    Note("config_changed", {"file": ".chatops.yml"}),
    Note("something_new", {"what": "`@all`"}),
)

CRASHING = Environment(
    EnvironmentKey(REPO, 12, "preview"),
    "pr-12-guestbook",
    SHA,
    EnvironmentState.FAILING,
    42,
    START,
    START + timedelta(days=3),
    outage=Outage(
        Reason.CRASH_LOOP,
        START + timedelta(hours=2),
        {"name": "app", "code": "137", "times": "4", "seconds": "300", "cause": "panic: `@all` </details>"},
        "app",
        "serving on :8080\npanic: `@all` </details>\n",
    ),
)
_GONE = replace(
    CRASHING,
    key=EnvironmentKey(REPO, 12, "staging"),
    state=EnvironmentState.FAILED,
    outage=Outage(Reason.ENVIRONMENT_GONE, START + timedelta(hours=2)),
)

_UNFINISHED = over(
    "deploy", 2.5, StepResult(StepState.CANCELLED, Reason.CANCELLED, environment="staging", serving_sha=OLDER)
)
_VULNERABLE_RUN = run(VULNERABLE, skipped("deploy"), state=RunState.FAILED)
_CLEAN = StepResult(StepState.PASSED, image=replace(IMAGE, size=0, scan=Scan()))
_OVERDUE = StepResult(StepState.FAILED, Reason.RUN_TIMED_OUT, {"longest": "2h"})

RUN_VIEWS: dict[str, View] = {
    "run_view_queued": view(queued(), "/cancel 42", position=QueuePosition(3, BlockedBy.REPOSITORY)),
    "run_view_next": view(queued(), "/cancel 42", position=QueuePosition(1, BlockedBy.PULL)),
    "run_view_runner_full": view(
        queued(), "/cancel 42", position=QueuePosition(2, BlockedBy.RUNNER, RunnerName.DOCKER)
    ),
    "run_view_no_room": view(queued(), "/cancel 42", position=QueuePosition(2, BlockedBy.ALL)),
    "run_view_disk_full": view(queued(), "/cancel 42", position=QueuePosition(1, BlockedBy.DISK)),
    "run_view_about_to_start": view(queued(), "/cancel 42", position=QueuePosition(1)),
    "run_view_running": view(_running(), "/cancel 42"),
    "run_view_in_trouble": view(
        _going(trouble=Trouble(Reason.ENGINE_UNAVAILABLE, {"message": "refused | `@all` <b>"}, 8)),
        "/cancel 42",
    ),
    "run_view_job": view(
        _going(
            waiting="Waiting for next available executor on ‘docker’ | `@all`",
            link="https://jenkins.example.com/job/lin/job/deploy/",
        ),
        "/cancel 42",
    ),
    "run_view_overdue": view(
        run(BUILT, DEPLOYED, over("test", 65.0, _OVERDUE), state=RunState.FAILED), "/retest"
    ),
    "run_view_passed": view(PASSED, "/retest", "/teardown", report=True),
    "run_view_tests_failed": view(FAILED_TESTS, "/retest failed", "/retest", report=True),
    "run_view_build_failed": view(FAILED_BUILD, "/build", "/deploy"),
    "run_view_exited": view(EXITED_RUN, "/deploy"),
    "run_view_setup_failed": view(
        run(BUILT, SETUP_FAILED, skipped("test"), state=RunState.FAILED), "/deploy"
    ),
    "run_view_setup_overdue": view(
        run(BUILT, SETUP_OVERDUE, skipped("test"), state=RunState.FAILED), "/deploy"
    ),
    "run_view_restricted": view(run(BUILT, READ_ONLY, skipped("test"), state=RunState.FAILED), "/deploy"),
    "run_view_dockerfile_elsewhere": view(
        no_dockerfile(
            paths="api/Dockerfile, web/Dockerfile", first="api/Dockerfile", setting="build: {context: api}"
        ),
        "/build",
    ),
    "run_view_not_fetched": view(
        run(
            over(
                "build",
                12.4,
                StepResult(
                    StepState.PASSED,
                    Reason.NOT_FETCHED,
                    {"unfetched": "libs/ui, libs/charts", "obstacle": Obstacle.NOT_PUBLIC},
                    image=IMAGE,
                ),
            ),
            command="/build",
        )
    ),
    "run_view_not_fetched_failed": view(
        run(
            over(
                "build",
                12.4,
                StepResult(
                    StepState.FAILED,
                    Reason.BUILD_FAILED,
                    {
                        "instruction": "COPY libs/ui/index.js /",
                        "code": "",
                        "unfetched": "libs/ui",
                        "obstacle": Obstacle.NO_COMMIT,
                    },
                ),
            ),
            state=RunState.FAILED,
            command="/build",
        ),
        "/build",
    ),
    "run_view_compose_only": view(
        no_dockerfile(paths="docker-compose.yml", setting="deploy: {compose: docker-compose.yml}"), "/build"
    ),
    "run_view_broken": view(_broken(), "/build", "/deploy", logs=False),
    "run_view_deploy_failed": view(FAILED_DEPLOY, "/deploy"),
    "run_view_staging_cancelled": view(
        replace(
            run(BUILT, _UNFINISHED, state=RunState.CANCELLED, command="/deploy staging"),
            stop=StopRequest(Reason.CANCELLED, {"who": "mei"}),
        ),
        "/deploy staging",
    ),
    "run_view_cancelled": view(_stopped(Reason.CANCELLED, {"who": "mei"}, RunState.CANCELLED), "/test"),
    "run_view_superseded": view(_stopped(Reason.SUPERSEDED, {"by": NEWER}, RunState.SUPERSEDED)),
    "run_view_closed": view(_stopped(Reason.CLOSED, {}, RunState.CANCELLED)),
    "run_view_no_tests": view(replace(run(BUILT, DEPLOYED, _NO_TESTS), notes=_NOTES), "/teardown"),
    "run_view_no_test_ran": view(tested(NO_TEST_RAN), "/retest", "/teardown", report=True),
    "run_view_nothing_tested": view(tested(NOTHING_TESTED), "/teardown"),
    "run_view_no_tests_alone": view(automatic(run(_NO_TESTS))),
    "run_view_tested_by_build": view(tested(TESTED_BY_BUILD), "/retest", "/teardown"),
    "run_view_coverage_only": view(tested(COVERAGE_ONLY), "/retest", "/teardown"),
    "run_view_report_broken": view(tested(FAILED_AND_BROKEN), "/retest failed", "/retest", report=True),
    "run_view_report_unreadable": view(tested(UNREADABLE), "/retest", report=True),
    "run_view_suite_without_tests": view(tested(ONE_EMPTY), "/retest", "/teardown", report=True),
    "run_view_torn_down": view(automatic(run(_TORN_DOWN), Trigger.MERGE)),
    "run_view_scanned": view(run(over("build", 40.0, StepResult(StepState.PASSED, image=SCANNED)))),
    "run_view_images": view(
        run(over("build", 40.0, StepResult(StepState.PASSED, image=SEVERAL)), DEPLOYED), "/test", "/teardown"
    ),
    "run_view_public_services": view(run(BUILT, DEPLOYED_PUBLICLY), "/test", "/teardown"),
    "run_view_merged": view(run(MERGED, DEPLOYED), "/test", "/teardown"),
    "run_view_merge_conflict": view(
        run(
            over("build", 1.2, StepResult(StepState.FAILED, Reason.MERGE_CONFLICT, CONFLICT)),
            skipped("deploy"),
            state=RunState.FAILED,
        ),
        "/build",
    ),
    "run_view_images_built": view(run(over("build", 40.0, StepResult(StepState.PASSED, image=SEVERAL)))),
    "run_view_image_failed": view(
        run(ONE_OF_SEVERAL_FAILED, skipped("deploy"), state=RunState.FAILED), "/build", "/deploy"
    ),
    "run_view_without_vulnerabilities": view(run(over("build", 40.0, _CLEAN))),
    "run_view_vulnerable": view(_VULNERABLE_RUN, "/build", "/deploy"),
    "run_view_tags_kept": view(automatic(run(_KEPT), Trigger.MERGE)),
    "run_view_stopped_working": replace(view(PASSED, "/deploy", "/teardown", report=True), broken=CRASHING),
    "run_view_stopped_working_folded": replace(view(PASSED), broken=CRASHING, folded_by=43),
    "run_view_gone": replace(view(PASSED, "/deploy staging"), broken=_GONE),
    "run_view_stopped_working_failed": replace(view(FAILED_TESTS, "/deploy", "/teardown"), broken=CRASHING),
    "run_view_folded": replace(view(FAILED_TESTS, "/retest", report=True), folded_by=43),
}
