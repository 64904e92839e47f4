"""The audit after a crash test: what was acknowledged, what it led to, and what is wrong."""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.gitee import wire
from bot.model.delivery import Delivery, DeliveryState, Trigger
from bot.model.run import Run, RunState, StepState
from playground.webhooks import Delivery as Sent
from tests.crash.scene import REPOSITORIES, Scene
from tests.crash.traffic import STARTING, Fate, Traffic
from tests.dialogue.tester import BOT

MARKER = re.compile(r"<!-- (chatops:\S+) .*?-->")
_BAD = {StepState.FAILED, StepState.BROKEN}
AUTOMATIC = {Trigger.OPEN, Trigger.UPDATE}


@dataclass
class Audit:
    """Statistics of a crash test; each line of `problems` describes a broken guarantee."""

    sent: int = 0
    acknowledged: int = 0
    events: int = 0
    runs: Counter[str] = field(default_factory=Counter)
    comments: int = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        ended = ", ".join(f"{count} {state}" for state, count in sorted(self.runs.items()))
        return (
            f"{self.sent} deliveries sent, {self.acknowledged} acknowledged, {self.events} events; "
            f"{self.runs.total()} runs ({ended}); {self.comments} comments; {len(self.problems)} problems"
        )


def parsed(sent: Sent) -> Delivery | None:
    """Return the delivery as a bot parses it; None for one that the bot ignores."""
    found = wire.read(sent.headers, sent.body, datetime.now(UTC))
    return found if isinstance(found, Delivery) else None


def unacknowledged(scene: Scene) -> list[Sent]:
    """Return one delivery of each event that no replica acknowledged."""
    by_key = defaultdict(list)
    for sent in scene.gitee.deliveries:
        if (delivery := parsed(sent)) is not None:
            by_key[delivery.key].append(sent)
    return [all_sent[0] for all_sent in by_key.values() if all(sent.status != 200 for sent in all_sent)]


async def wait_until_idle(scene: Scene) -> None:
    """Wait until all bots are ready and idle; send unacknowledged events again."""
    for replica in scene.replicas:
        await replica.ready()
    await scene.gitee.delivered()
    while unreported := unacknowledged(scene):
        for sent in unreported:
            scene.gitee.webhooks.redeliver(sent)
        await scene.gitee.delivered()
    await scene.idle()


def run_audit(scene: Scene, traffic: Traffic) -> Audit:
    """Compare what Gitee sent with the store, the engine and the pull requests."""
    runs = scene.ledger.runs()
    events = {found.key: found for sent in scene.gitee.deliveries if (found := parsed(sent))}
    audit = Audit(
        sent=len(scene.gitee.deliveries),
        acknowledged=sum(sent.status == 200 for sent in scene.gitee.deliveries),
        events=len(events),
        runs=Counter(map(_ending, runs)),
    )
    audit.problems += [
        *_unfinished(scene, runs),
        *_wrong_runs(scene, traffic, events, runs),
        *_wrong_pushes(scene, traffic, runs),
        *_wrong_comments(scene, audit, runs),
        *_left_behind(scene),
    ]
    return audit


def _ending(run: Run) -> str:
    """Return the state of a run and, if it failed, the reason."""
    reasons = [step.result.reason for step in run.steps if step.result and step.result.state in _BAD]
    return f"{run.state} by {reasons[0]}" if reasons and run.state is RunState.FAILED else str(run.state)


def _unfinished(scene: Scene, runs: list[Run]) -> list[str]:
    states = scene.ledger.deliveries()
    odd = [f"delivery {key} is {state}" for key, state in states.items() if state != DeliveryState.DONE]
    return odd + [f"run {run.id} is {run.state}" for run in runs if not run.state.final]


def _wrong_runs(scene: Scene, traffic: Traffic, events: dict[str, Delivery], runs: list[Run]) -> list[str]:
    """Check that each event that asks for a run has exactly one."""
    started = Counter(run.origin.delivery for run in runs)
    wrong = [f"{count} runs of delivery {key}" for key, count in started.items() if count > 1]
    bodies = {
        comment.id: comment.body
        for repository in REPOSITORIES
        for number in scene.gitee.repository(repository).pulls
        for comment in scene.gitee.comments(repository, number)
    }
    for key, event in events.items():
        commanded = traffic.fates[str(event.repo), event.number] is Fate.COMMANDED
        asks = event.trigger is Trigger.OPEN or bodies.get(event.comment_id or 0) in STARTING
        if commanded and asks and not started[key]:
            wrong.append(f"no run of {event.trigger} {key} of {event.repo}!{event.number}")
    return wrong


def _wrong_pushes(scene: Scene, traffic: Traffic, runs: list[Run]) -> list[str]:
    """Check that the last commit of each pull request has an automatic run, and that no commit has two."""
    found = Counter((str(run.repo), run.number, run.sha) for run in runs if run.origin.trigger in AUTOMATIC)
    wrong = [f"{count} automatic runs of {commit}" for commit, count in found.items() if count > 1]
    for (repository, number), fate in traffic.fates.items():
        head = scene.gitee.pull(repository, number).head_sha
        if fate is Fate.PUSHED and not found[repository, number, head]:
            wrong.append(f"no automatic run of {repository}!{number} at {head}")
    return wrong


def _wrong_comments(scene: Scene, audit: Audit, runs: list[Run]) -> list[str]:
    """Check that each run has one comment, and that no marker exists twice."""
    said: Counter[tuple[str, str]] = Counter()
    for repository in REPOSITORIES:
        for number in scene.gitee.repository(repository).pulls:
            for comment in scene.gitee.comments(repository, number, by=BOT):
                audit.comments += 1
                said.update((f"{repository}!{number}", marker) for marker in MARKER.findall(comment.body))
    wrong = [f"{where} has {marker} {count} times" for (where, marker), count in said.items() if count > 1]
    missing = [run for run in runs if not said[f"{run.repo}!{run.number}", f"chatops:run={run.id}"]]
    return wrong + [f"run {run.id} has no comment" for run in missing]


def _left_behind(scene: Scene) -> list[str]:
    known = scene.ledger.environments()
    stray = [f"environment {key} has no owner" for key in scene.engine.environments if key not in known]
    gone = scene.ledger.ready() - set(scene.engine.environments)
    stray += [f"environment {key} is ready, but removed" for key in gone] if scene.remote else []
    stray += [f"tests of {key} are still running" for key in scene.engine.suites]
    overlaps = [
        f"{one.operation} by {one.pid} and {two.operation} by {two.pid} at once for {two.pull}"
        for one, two in scene.engine.overlaps
    ]
    return stray + overlaps
