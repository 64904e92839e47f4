"""Facts of a pull request for tests of decisions, with typical values that tests override."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.core.admission import trust
from bot.core.admission.permissions import Entry, Policy, Rule
from bot.core.deciding.decide import each, merged, needs
from bot.core.language.catalog import offered
from bot.core.language.command import PermissionLevel
from bot.core.language.parsing import parse
from bot.discovery import find_commands
from bot.model.addresses import Addresses
from bot.model.approval import Approval, Distrust
from bot.model.delivery import Trigger
from bot.model.environment import Environment, EnvironmentKey, EnvironmentState
from bot.model.forge import Permission, PullRequest, PullState, RepoPath, Tip
from bot.model.outcome import Outcome
from bot.model.pipeline import EnvironmentConfig, Pipeline, TestConfig
from bot.model.plan import Build, Plan
from bot.model.run import Image, Origin, Run
from bot.model.service_log import ServiceLog
from bot.model.snapshot import CommandSettings, Fact, LogTail, NotGathered, Snapshot
from bot.model.text import Language

SHA = "ab" * 20
OLD = "cd" * 20
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
REPO = RepoPath("team", "shop")
COMMANDS = find_commands()
IMAGE = Image("registry.example.com/team/shop:pr-12-abababab", "sha256:" + "1" * 64, 1, SHA)
SETTINGS = CommandSettings(Addresses("https://bot.example.com", "preview.example.com"))
STAGED = Pipeline()
STAGED = replace(STAGED, deploy=replace(STAGED.deploy, environments={"staging": EnvironmentConfig(ttl="8h")}))
SUITES = replace(Pipeline(), test=TestConfig(suites={"unit": "pytest unit", "e2e": "pytest e2e"}))


def pull_request(
    *, fork: bool = False, author: str = "mei", state: PullState = PullState.OPEN, head: Tip | None = None
) -> PullRequest:
    """Return pull request 12 of team/shop."""
    repo = RepoPath(author, "shop") if fork else REPO
    return PullRequest(
        repo=REPO,
        number=12,
        id=1200,
        title="显示时间",
        state=state,
        author=author,
        head=head or Tip("feature", SHA, repo),
        base=Tip("main", OLD, REPO),
        url="https://gitee.example.com/team/shop/pulls/12",
        clone_url="https://gitee.example.com/team/shop.git",
    )


def approval(sha: str = SHA, *, base: str = "main", comment: int = 70) -> Approval:
    """Return lin's approval of a commit."""
    url = f"https://gitee.example.com/team/shop/pulls/12#note_{comment}"
    return Approval(sha, base, "lin", NOW, comment, url, "d" * 64)


def distrust(pull: PullRequest) -> Distrust:
    """Return why a stranger's commit is not trusted."""
    found = trust.distrust(pull, Permission.READ, None)
    assert found is not None
    return found


def environment(
    name: str = "preview", *, sha: str = SHA, state: EnvironmentState = EnvironmentState.READY
) -> Environment:
    """Return one environment of the pull request."""
    key = EnvironmentKey(REPO, 12, name)
    return Environment(key, f"pr-12-shop-{name}", sha, state, 1, NOW, NOW + timedelta(days=3))


def run(number: int = 7, *, plan: Plan | None = None, trigger: Trigger = Trigger.OPEN, sha: str = SHA) -> Run:
    """Return a run of the pull request; by default a build."""
    steps = plan or Plan((Build(sha, Pipeline().build),))
    return Run(number, REPO, 12, sha, steps, Origin(trigger, "mei"), Language.EN, NOW)


def snapshot(
    *,
    actor: str = "lin",
    trusted: bool = True,
    pull: PullRequest | None = None,
    pipeline: Pipeline | None = None,
    built: bool = False,
    environments: tuple[Environment, ...] = (),
    active: tuple[Run, ...] = (),
    runs: tuple[Run, ...] = (),
    logs: tuple[LogTail, ...] = (),
    service_logs: tuple[ServiceLog, ...] = (),
) -> Snapshot:
    """Return a snapshot with all facts; `built` means that the registry has the image of the head."""
    settings = pipeline or Pipeline()
    pull = pull or pull_request()
    return Snapshot(
        pull=pull,
        pipeline=settings,
        actor=actor,
        now=NOW,
        trusted=trusted,
        active=active,
        settings=SETTINGS,
        distrust=distrust(pull),
        announced=True,
        images={SHA: IMAGE} if built else {},
        environments={found.key.name: found for found in environments},
        runs={found.id: found for found in runs},
        logs={found.step.name: found for found in logs},
        service_logs={found.name: found for found in service_logs},
        commands=offered(COMMANDS, Policy(), settings, pull.repo),
    )


def only(facts: Snapshot, declared: Collection[Fact]) -> Snapshot:
    """Return what the bot gathers of the facts for commands that declare these."""
    missing: dict[str, object] = {fact.value: NotGathered() for fact in Fact if fact not in declared}
    missing |= {name: empty for name, empty in {"announced": False, "owners": ()}.items() if name in missing}
    return replace(facts, **missing)  # type: ignore[arg-type] # by name


def policy_of(rules: Mapping[str, PermissionLevel | Rule], pattern: str = "") -> Policy:
    """Return the operator's rules, by command or by command and environment as in the settings."""
    return Policy(
        tuple(
            Entry(
                key.partition(" ")[0],
                rule if isinstance(rule, Rule) else Rule(rule),
                key.partition(" ")[2],
                pattern,
            )
            for key, rule in rules.items()
        )
    )


def decide(
    body: str,
    facts: Snapshot | None = None,
    *,
    permission: Permission = Permission.WRITE,
    seen: str | None = SHA,
    policy: dict[str, PermissionLevel | Rule] | None = None,
) -> tuple[Outcome, ...]:
    """Return the decision on a comment, from its text on, with only the facts that its commands need."""
    lines = parse(body, COMMANDS)
    rules = policy_of(policy or {})
    facts = facts or snapshot()
    gathered = only(facts, needs(lines, COMMANDS, rules, facts.pull.repo))
    decided = each(
        lines,
        gathered,
        permission=permission,
        seen=seen,
        commands=COMMANDS,
        policy=rules,
    )
    return merged(decided, gathered)
