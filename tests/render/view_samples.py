"""One sample of each variant of every view, with neutral names."""

from dataclasses import replace
from datetime import timedelta

from bot.model.approval import Approval, Distrust, Revocation
from bot.model.environment import EnvironmentState, Extension
from bot.model.observed import Skip
from bot.model.reason import Reason
from bot.model.text import Text
from bot.model.views import (
    Announcement,
    Answer,
    Apology,
    ApprovalNeeded,
    ArgumentHelp,
    CommandHelp,
    ConfigBroken,
    ConfigProblem,
    EnvironmentLine,
    Expiring,
    Filtered,
    Message,
    Refusal,
    RefusalLine,
    View,
)
from bot.pipeline import config_file
from tests.render.run_samples import (
    CRASHING,
    EXITED_RUN,
    FAILED_BUILD,
    FAILED_DEPLOY,
    FAILED_TESTS,
    IMAGE,
    LINKS,
    NEWER,
    PASSED,
    PUBLIC,
    REPO,
    RUN_VIEWS,
    SEVERAL,
    SHA,
    START,
    URL,
    queued,
)

COMMANDS = (
    CommandHelp(
        name="deploy",
        aliases=("部署",),
        usage="/deploy [环境] [ttl=3d]",
        summary=Text(en="Deploy this pull request.", zh="部署这个 PR。"),
        permission=("write",),
        arguments=(
            ArgumentHelp("environment", "[environment]", Text(en="where to deploy", zh="部署到哪个环境")),
            ArgumentHelp("ttl", "ttl=3d", Text(en="remove it after this long", zh="多久之后自动清理")),
        ),
        examples=("/deploy", "/deploy staging ttl=8h"),
    ),
    CommandHelp(
        name="test",
        aliases=("测试",),
        usage="/test [suite…]",
        summary=Text(en="Run the tests.", zh="运行测试。"),
        permission=("contributor",),
    ),
    CommandHelp(
        name="help",
        aliases=("帮助",),
        usage="/help [command]",
        summary=Text(en="Show what can be said here.", zh="查看可用的命令。"),
        permission=("anyone",),
    ),
)
_AUTOMATIC = {
    "open": ("build", "deploy", "test"),
    "update": ("build", "deploy", "test"),
    "close": ("teardown",),
}
ENVIRONMENTS = (
    EnvironmentLine("preview", URL, EnvironmentState.READY, SHA, START + timedelta(days=3)),
    EnvironmentLine(
        "staging",
        "http://pr-12-guestbook-staging.preview.example.com:8080/",
        EnvironmentState.FAILED,
        NEWER,
        START,
    ),
)
_SOON = replace(ENVIRONMENTS[0], extend="/extend 1d")
_FOUND_LATE = RefusalLine("/teardown", Reason.FOUND_LATE, {"seconds": "10800"})
_FOUND_AFTER_PUSH = RefusalLine("/deploy staging", Reason.FOUND_AFTER_PUSH, {"now": SHA})
_NOT_ALLOWED = RefusalLine(
    "/deploy staging", Reason.NOT_ALLOWED, {"who": "stranger", "command": "/deploy", "level": "write"}
)
_NOT_NAMED = RefusalLine(
    "/deploy production",
    Reason.NOT_ALLOWED,
    {"who": "mei", "command": "deploy", "level": "admin, @lin, @wang, others", "environment": "production"},
)
_NOT_OWNER = RefusalLine(
    "/teardown",
    Reason.NOT_ALLOWED,
    {"who": "mei", "command": "teardown", "level": "@lin, owners", "helpers": "wang, zhao"},
)
_NO_OWNERS = RefusalLine(
    "/build", Reason.NOT_ALLOWED, {"who": "mei", "command": "build", "level": "no_owners"}
)
_INVALID = RefusalLine(
    "/deploy ttl=soon",
    Reason.ARGUMENT_INVALID,
    {"argument": "ttl", "value": "soon", "expected": "8h / 3d", "usage": "/deploy [env] [ttl=3d]"},
)
_PROBLEMS = (
    ConfigProblem(
        4, 3, "build", Text(en="unknown key `dockerfiles`", zh="未知的键 `dockerfiles`"), "dockerfile"
    ),
    ConfigProblem(9, 12, "test.timeout", Text(en="must be an integer", zh="应为整数")),
)
_EXCERPT = "  3 | build:\n  4 |   dockerfiles: app/Dockerfile\n    |   ^"

_COMPOSE = b"""\
services:
  web:
    build: {context: .}
    ports: ["8000:8000"]
    environment: {SECRET_KEY: "${SECRET_KEY}"}
    depends_on: [postgers]
    volumes: ["/srv/shop:/srv/shop", "../shared:/shared"]
  postgres:
    image: postgres:16
    command: postgres -c 'max_connections=10
    healthcheck: {test: ["CMD", "pg_isready"]}
    mem_limit: 64k
  jobs:
    build: ../jobs
    depends_on: {migrate: {condition: service_completed_successfully}}
  migrate: {build: ., command: python manage.py migrate}
"""


def _broken_compose() -> ConfigBroken:
    missing = dict.fromkeys((".env", ".env.example", ".env.sample"))
    found = config_file.read(
        b"deploy: {compose: compose.yaml}",
        file=".chatops.yml",
        ref="master",
        known_commands=frozenset(),
        files={"compose.yaml": _COMPOSE, **missing},
    )
    assert isinstance(found, ConfigBroken)
    return replace(found, found=True)


def message(template: str, **facts: object) -> Message:
    return Message(template, {"actor": "mei", **facts})


_APPROVE = f"/ok-to-test {SHA}"
_CHANGES = f"https://gitee.com/team/shop/compare/{'cd' * 20}...{SHA}"
_DISTRUST = Distrust(Reason.NOT_TRUSTED, {"author": "stranger", "sha": SHA, "approve": _APPROVE})
_SHARED = Distrust(Reason.FORK_SHARED, {"who": "stranger", "fork": "mei/shop", "sha": SHA})
_UNREADABLE = Distrust(Reason.FORK_UNREADABLE, {"fork": "mei/shop", "sha": SHA})
_FOR_FEW = Distrust(Reason.NOT_TRUSTED, {**_DISTRUST.facts, "level": "admin, @zhao"})
_APPROVAL = Approval(SHA, "master", "lin", START, 70, "https://gitee.com/team/shop/pulls/12#note_70", "")
_OLDER = replace(_APPROVAL, sha="cd" * 20, base="release")


def status(**changes: object) -> Message:
    facts = {
        "repo": REPO,
        "number": 12,
        "sha": SHA,
        "trusted": True,
        "distrust": _DISTRUST,
        "approve": _APPROVE,
        "changes_url": _CHANGES,
        "approvals": (),
        "environments": ENVIRONMENTS,
        "active": (queued(),),
        "skipped": None,
        "last": PASSED,
        "page": LINKS.pull,
        "image": IMAGE.pinned,
        "images": (),
        "open": True,
    }
    return Message("status", {**facts, **changes})


OTHER_VIEWS: dict[str, View] = {
    "announcement_failed": Announcement("failed", FAILED_TESTS, LINKS, "lin"),
    "announcement_build_failed": Announcement("failed", FAILED_BUILD, LINKS, "lin"),
    "announcement_deploy_failed": Announcement("failed", FAILED_DEPLOY, LINKS, "lin"),
    "announcement_exited": Announcement("failed", EXITED_RUN, LINKS, "lin"),
    "announcement_ready": Announcement("ready", PASSED, LINKS, "lin"),
    "expiring": Expiring("lin", _SOON),
    "disk_exceeded": message(
        "disk_exceeded", recipient="lin", environment="preview", part="app", size="1.5 GB", limit="1.1 GB"
    ),
    "disk_exceeded_full": message(
        "disk_exceeded", recipient="", environment="staging", part="db `x`", size="400 MB", limit=""
    ),
    "expiring_staging": Expiring(
        "", replace(ENVIRONMENTS[1], state=EnvironmentState.READY, extend="/extend 1d staging")
    ),
    "extended": message("extended", environments=(Extension("preview", START + timedelta(days=4)),)),
    "extended_capped": message(
        "extended",
        environments=(
            Extension("preview", START + timedelta(days=3), capped=True),
            Extension("staging", START + timedelta(days=2)),
        ),
        longest="3d",
    ),
    "waking": message("waking", environments=("preview",)),
    "waking_two": message("waking", environments=("preview", "staging")),
    "refusal_one": Refusal("stranger", (_NOT_ALLOWED,)),
    "refusal_two": Refusal("mei", (_NOT_ALLOWED, _INVALID)),
    "refusal_rules": Refusal("mei", (_NOT_NAMED, _NOT_OWNER, _NO_OWNERS)),
    "refusal_found_late": Refusal("lin", (_FOUND_LATE, _FOUND_AFTER_PUSH)),
    "run_lost": message("run_lost", run=42, command="/deploy"),
    "duplicate": message("duplicate", url="https://gitee.com/team/shop/pulls/12#note_7"),
    "hint": message("hint", typed="/depoly", suggestion="/deploy"),
    "answer": Answer(
        (
            message("hint", typed="/depoly", suggestion="/deploy"),
            Refusal("stranger", (_NOT_ALLOWED,)),
            message("answers_limited", most=10, until=START + timedelta(hours=1)),
        )
    ),
    "answers_limited_one": message("answers_limited", most=1, until=START + timedelta(hours=1)),
    "help": message("help", commands=COMMANDS, automatic=_AUTOMATIC),
    "help_command": message("help_command", command=COMMANDS[0]),
    "help_command_rules": message(
        "help_command",
        command=replace(
            COMMANDS[0],
            permission=("write", "@zhao"),
            environments={"production": ("@lin", "owners"), "staging": ("contributor",)},
        ),
    ),
    "status": status(),
    "status_soon": status(environments=(_SOON, ENVIRONMENTS[1])),
    "status_failing": status(
        environments=(
            replace(
                ENVIRONMENTS[0], state=EnvironmentState.FAILING, outage=CRASHING.outage, deploy="/deploy"
            ),
        )
    ),
    "status_images": status(images=SEVERAL.all),
    "status_public_services": status(environments=(replace(ENVIRONMENTS[0], services=PUBLIC),)),
    "status_empty": status(trusted=False, environments=(), active=(), last=None, page="", image=""),
    "status_untrusted": status(trusted=False, environments=(), active=(), last=None, approvals=(_OLDER,)),
    **{f"status_skipped_{one}": status(environments=(), active=(), skipped=one) for one in Skip},
    "status_approved": status(approvals=(_OLDER, _APPROVAL)),
    "approved": message("approved", author="stranger", sha=SHA, base="master"),
    "approval_needed": ApprovalNeeded(_DISTRUST, SHA, "master", _APPROVE, _CHANGES),
    "approval_needed_shared": ApprovalNeeded(_SHARED, SHA, "master", _APPROVE, _CHANGES),
    "approval_needed_unreadable": ApprovalNeeded(_UNREADABLE, SHA, "master", _APPROVE, _CHANGES),
    "approval_needed_of_few": ApprovalNeeded(_FOR_FEW, SHA, "master", _APPROVE, _CHANGES),
    "revoked": message(
        "revoked",
        revoked=(Revocation(_APPROVAL, Reason.APPROVAL_REVOKED, "lin"),),
        runs=(41, 42),
        environments=("preview",),
        command=_APPROVE,
    ),
    "revoked_two": message(
        "revoked",
        revoked=(
            Revocation(_OLDER, Reason.APPROVAL_DELETED, "lin"),
            Revocation(_APPROVAL, Reason.APPROVER_DEMOTED, "lin"),
        ),
        runs=(),
        environments=(),
        command=_APPROVE,
    ),
    "refusal_abbreviated": Refusal(
        "lin",
        (
            RefusalLine(
                "/ok-to-test abababab", Reason.COMMIT_ABBREVIATED, {"named": "abababab", "approve": _APPROVE}
            ),
        ),
    ),
    "refusal_not_trusted": Refusal("lin", (RefusalLine("/build", Reason.NOT_TRUSTED, _DISTRUST.facts),)),
    "stopping": message("stopping", runs=(41, 42)),
    "config_broken": ConfigBroken(".chatops.yml", "master", _PROBLEMS, _EXCERPT),
    "config_broken_compose": _broken_compose(),
    "config_broken_proposed": ConfigBroken(".chatops.yml", SHA, _PROBLEMS[:1], _EXCERPT, proposed=True),
    "apology": Apology("3f9c2a1b"),
    "filtered": Filtered(),
    "filtered_run": Filtered(FAILED_TESTS, LINKS),
    "filtered_stopped_working": Filtered(PASSED, LINKS, CRASHING),
}

VIEWS: dict[str, View] = {**RUN_VIEWS, **OTHER_VIEWS}
