"""From a delivery to a verdict: reads what must be read, asks the pure core, and words nothing itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.core.admission import keys
from bot.core.deciding import automatic, decide
from bot.core.language import parsing
from bot.core.language.command import AnyCommand, PermissionLevel
from bot.core.reconciling import missed_events
from bot.engine.deciding.config_notice import CHANGED, ConfigNotice
from bot.engine.deciding.facts import FactGatherer, Facts
from bot.engine.deciding.identity import Identity
from bot.model.delivery import Delivery, Trigger
from bot.model.environment import EnvironmentKey
from bot.model.errors import NotThereYet
from bot.model.forge import Comment, PullRequest, PullState, RepoPath
from bot.model.observed import ObservedState
from bot.model.outcome import Approve, Extend, Ignore, Outcome, Reply, StartRun, StopRuns, Wake
from bot.model.plan import Plan
from bot.model.reason import Reason
from bot.model.run import Note, Origin, Run, StopRequest
from bot.model.text import Language
from bot.model.views import ConfigBroken, View
from bot.ports import Clock, Forge


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a delivery leads to: words at once, and changes that are committed together."""

    ending: str
    """For the operator's log."""
    language: Language = Language.ZH
    views: tuple[View, ...] = ()
    start: Run | None = None
    stop: tuple[int, ...] = ()
    request: StopRequest | None = None
    approve: tuple[RepoPath, int, str, str, datetime] | None = None
    extend: Mapping[EnvironmentKey, datetime] = field(default_factory=dict)
    """Until when environments live."""
    wake: tuple[EnvironmentKey, ...] = ()
    """Which environments are to run again."""
    seen: ObservedState | None = None
    """How the pull request stood when this was decided."""
    refuted: bool = False
    """Whether Gitee denies what was told: what somebody made up must not use up the key of the true event."""


@dataclass(frozen=True, slots=True)
class Decider:
    """Decides deliveries. Raises what the forge raises."""

    forge: Forge
    gatherer: FactGatherer
    commands: tuple[AnyCommand, ...]
    policy: Mapping[str, PermissionLevel]
    identity: Identity
    clock: Clock

    async def decide(self, delivery: Delivery) -> Verdict:
        """Re-read what the delivery points at, and decide on that alone."""
        pull = await self.forge.pull_request(delivery.repo, delivery.number)
        if pull is None:
            # Somebody who knows the secret says that there is one: it may be visible in a moment.
            facts = {"message": "there is no such pull request, or the bot may not see it"}
            raise NotThereYet(Reason.GITEE_UNAVAILABLE, facts)
        if delivery.trigger is Trigger.COMMENT:
            return await self._comment(delivery, pull)
        verdict = await self._event(delivery, pull)
        seen = ObservedState(self.clock.now(), pull.head.sha, pull.state)
        return verdict if verdict.refuted else replace(verdict, seen=seen)

    async def _comment(self, delivery: Delivery, pull: PullRequest) -> Verdict:
        comment = await self.forge.comment(delivery.repo, delivery.comment_id or 0)
        if comment is None:
            return Verdict("ignored: there is no such comment", refuted=True)
        if await self.identity.is_me(comment.author):
            return Verdict("ignored: the bot's own comment")
        if doubt := _doubt(delivery, comment):
            # Words that were edited are not looked at again, whatever the next delivery says of them.
            return Verdict(f"ignored: {doubt}", refuted=comment.updated_at <= comment.created_at)
        lines = parsing.parse(comment.body, self.commands)
        if not lines:
            return Verdict("ignored: no command in it")
        if delivery.found and await self._overtaken(delivery, comment):
            return Verdict("ignored: a later command was decided before it was found")
        facts = await self.gatherer.gather(pull, comment.author)
        outcomes = decide.comment(
            lines,
            facts.snapshot,
            permission=facts.permission,
            seen=delivery.head_sha,
            commands=self.commands,
            policy=self.policy,
        )
        origin = Origin(Trigger.COMMENT, comment.author, parsing.shown(lines), delivery.key)
        verdict = self._verdict(facts, outcomes, origin)
        return replace(verdict, seen=ObservedState(self.clock.now(), comment=comment.id))

    async def _event(self, delivery: Delivery, pull: PullRequest) -> Verdict:
        over = pull.state is not PullState.OPEN
        if over is not (delivery.trigger in automatic.ENDING):
            return Verdict(f"ignored: the pull request is {pull.state} by now", refuted=True)
        if delivery.found and await self._decided(pull):
            return Verdict("ignored: how it stands was decided before this was found")
        facts = await self.gatherer.gather(pull, delivery.sender or pull.author)
        origin = Origin(delivery.trigger, "" if over else pull.author, "", delivery.key)
        if over:
            outcome = decide.automatic(delivery.trigger, facts.snapshot, files=None, commands=self.commands)
            verdict = self._verdict(facts, (outcome,), origin)
            return _stopping(verdict, facts.snapshot.active, StopRequest(Reason.CLOSED))
        if delivery.trigger in {Trigger.OPEN, Trigger.UPDATE} and await self._known(pull, delivery):
            return Verdict("ignored: this commit has had its automatic run")
        return await self._started(delivery, facts, origin)

    async def _started(self, delivery: Delivery, facts: Facts, origin: Origin) -> Verdict:
        pull = facts.snapshot.pull
        files = await self.forge.changed_files(pull.repo, pull.number)
        notice = await ConfigNotice(self.gatherer).read(pull, files)
        broken = (replace(notice, proposed=True),) if isinstance(notice, ConfigBroken) else ()
        if facts.broken is None and await self._builds_nothing(facts):
            outcome: Outcome = Ignore("there is neither a configuration nor a Dockerfile")
        else:
            outcome = decide.automatic(delivery.trigger, facts.snapshot, files=files, commands=self.commands)
        verdict = self._verdict(facts, (outcome,), origin, notes=(CHANGED,) if notice and not broken else ())
        old = [run for run in facts.snapshot.active if run.sha != pull.head.sha]
        request = StopRequest(Reason.SUPERSEDED, {"by": pull.head.sha})
        return _stopping(replace(verdict, views=(*broken, *verdict.views)), old, request)

    async def _builds_nothing(self, facts: Facts) -> bool:
        """Whether an automatic run would only complain: nobody set this repository up for the bot."""
        if facts.configured:
            return False
        pull, path = facts.snapshot.pull, facts.snapshot.pipeline.build.dockerfile
        return await self.forge.file(pull.head.repo or pull.repo, path, pull.head.sha) is None

    async def _decided(self, pull: PullRequest) -> bool:
        known = await self.gatherer.records.observed.of(pull.repo, pull.number)
        return missed_events.stands(known, pull)

    async def _overtaken(self, delivery: Delivery, comment: Comment) -> bool:
        known = await self.gatherer.records.observed.of(delivery.repo, delivery.number)
        return known is not None and known.comment >= comment.id

    async def _known(self, pull: PullRequest, delivery: Delivery) -> bool:
        """Whether the newest run of code was for this very commit: labels and titles change too.

        A superseded one does not count: a branch can move away and back. An opening that is told
        late is used up by the push that was told before it, but not by a command that somebody typed.
        """
        recent = await self.gatherer.records.runs.runs(repo=pull.repo, number=pull.number)
        newest = next((run for run in recent if not run.plan.removes_only), None)
        if newest is None or newest.sha != pull.head.sha:
            return False
        superseded = newest.stop is not None and newest.stop.reason is Reason.SUPERSEDED
        opens = delivery.trigger is Trigger.OPEN and not delivery.found
        return not superseded and not (opens and newest.origin.trigger is Trigger.COMMENT)

    def _verdict(
        self, facts: Facts, outcomes: Iterable[Outcome], origin: Origin, *, notes: tuple[Note, ...] = ()
    ) -> Verdict:
        verdict = Verdict("decided", facts.language)
        for outcome in outcomes:
            match outcome:
                case StartRun(plan=plan):
                    verdict = self._with_run(verdict, facts, self._run(facts, plan, origin, notes))
                case StopRuns(runs=runs, reason=reason):
                    request = StopRequest(reason, {"who": origin.actor})
                    verdict = replace(verdict, stop=runs, request=request)
                case Approve(sha=sha):
                    pull = facts.snapshot.pull
                    approval = (pull.repo, pull.number, sha, origin.actor, self.clock.now())
                    verdict = replace(verdict, approve=approval)
                case Extend() | Wake():
                    verdict = _with_environments(verdict, facts, outcome)
                case Reply(view=view):
                    verdict = replace(verdict, views=(*verdict.views, view))
                case Ignore(why=why):
                    verdict = replace(verdict, ending=f"ignored: {why}")
        return verdict

    def _with_run(self, verdict: Verdict, facts: Facts, run: Run) -> Verdict:
        if facts.broken is not None and not run.plan.removes_only:
            return replace(verdict, ending="config broken", views=(*verdict.views, facts.broken))
        return replace(verdict, ending="run", start=run)

    def _run(self, facts: Facts, plan: Plan, origin: Origin, notes: tuple[Note, ...]) -> Run:
        pull = facts.snapshot.pull
        return Run(
            id=0,
            repo=pull.repo,
            number=pull.number,
            sha=pull.head.sha,
            plan=plan,
            origin=origin,
            language=facts.language,
            created_at=self.clock.now(),
            clone_url=pull.clone_url,
            author=pull.author,
            branch=pull.head.ref,
            title=pull.title,
            notes=notes,
        )


def _with_environments(verdict: Verdict, facts: Facts, outcome: Extend | Wake) -> Verdict:
    pull = facts.snapshot.pull
    match outcome:
        case Extend(environments=extensions):
            keys = {EnvironmentKey(pull.repo, pull.number, one.name): one.until for one in extensions}
            return replace(verdict, ending="extended", extend=keys)
        case Wake(environments=names):
            woken = tuple(EnvironmentKey(pull.repo, pull.number, name) for name in names)
            return replace(verdict, ending="woken", wake=woken)


def _doubt(delivery: Delivery, comment: Comment) -> str | None:
    """Return why this comment is not what the delivery speaks of: a delivery's body is not signed."""
    if comment.number not in {None, delivery.number}:
        return "the comment stands under another pull request"
    if delivery.received_at - comment.created_at > missed_events.FRESH:
        return "the comment was written long before the delivery"
    if delivery.body_digest not in {None, keys.body_digest(comment.body)}:
        return "the comment was edited since"
    return None


def _stopping(verdict: Verdict, runs: Iterable[Run], request: StopRequest) -> Verdict:
    """Stop what an event has made pointless, but never what removes something."""
    pointless = tuple(run.id for run in runs if not run.plan.removes_only)
    return replace(verdict, stop=pointless, request=request) if pointless else verdict
