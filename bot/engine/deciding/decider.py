"""Turns a delivery into a decision: reads the facts again from their sources, and asks the pure core."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.core.admission import answering, gate, helping, keys, secrets, trust
from bot.core.admission.answering import AnswerPolicy
from bot.core.admission.permissions import Policy
from bot.core.auditing import decisions
from bot.core.deciding import automatic, decide, decision
from bot.core.deciding.decide import Decided
from bot.core.deciding.decision import Subject
from bot.core.language import parsing
from bot.core.language.command import AnyCommand
from bot.core.language.parsing import Line, NearMiss
from bot.core.reconciling import missed_events
from bot.core.reconciling.missed_commands import Lateness
from bot.engine.comments.comment_owners import CommentOwners
from bot.engine.deciding import comment_lines
from bot.engine.deciding.cache import BriefCache
from bot.engine.deciding.facts import FactGatherer, Facts
from bot.engine.deciding.identity import Identity
from bot.engine.deciding.skip_facts import skip_reason
from bot.model.audit import AuditRecord
from bot.model.delivery import Delivery, Trigger
from bot.model.errors import GiveUp, NotThereYet, RetryLater
from bot.model.forge import Comment, Permission, PullRequest, PullState
from bot.model.observed import ObservedState
from bot.model.outcome import Approve, Decision, Ignore, Outcome, Refuse, StartRun
from bot.model.pipeline import Pipeline
from bot.model.reason import Reason
from bot.model.run import Note, Origin, Run, StopRequest
from bot.model.secrets import SecretValue
from bot.model.snapshot import Snapshot
from bot.model.views import ConfigBroken, Message
from bot.pipeline import composed, config_file
from bot.ports import Clock, Forge, Sandbox, Secrets

logger = logging.getLogger(__name__)

COLLABORATORS_AGE = timedelta(minutes=10)
"""How long people who can be named in refusals are remembered."""


@dataclass(frozen=True, slots=True)
class Decider:
    """Decides deliveries. Raises what the forge and the store raise."""

    forge: Forge
    gatherer: FactGatherer
    commands: tuple[AnyCommand, ...]
    policy: Policy
    identity: Identity
    clock: Clock
    sandbox: Sandbox
    visible: BriefCache[str]
    """The default branches of repositories, empty for those that the bot may not see."""
    owners: CommentOwners
    collaborators: BriefCache[Mapping[str, Permission]]
    """By repository: some people and what they may do there, to be named in refusals."""
    mask: Callable[[str], str]
    """Masks secrets in what is recorded for audits."""
    secrets: Secrets
    answering: AnswerPolicy = field(default_factory=AnswerPolicy)

    async def decide(self, delivery: Delivery) -> Decision:
        """Read what the delivery refers to from Gitee's API, and decide on that alone."""
        if delivery.trigger is Trigger.REVOCATION and not await self._approves(delivery):
            return self._ignored(delivery, "no commit was approved in this comment", refuted=True)
        pull = await self.forge.pull_request(delivery.repo, delivery.number)
        if pull is None:
            raise await self._not_there(delivery)
        await self.owners.first_look(pull, delivery)
        if delivery.trigger is Trigger.COMMENT:
            return await self._comment(delivery, pull)
        if delivery.trigger is Trigger.REVOCATION:
            return await self._revocation(delivery, pull)
        decided = await self._event(delivery, pull)
        pushed = frozenset[str]() if delivery.found else decision.effects(decided)
        observed = ObservedState(
            self.clock.now(), pull.head.sha, pull.state, pull.updated_at, pushed, decided.skipped
        )
        return decided if decided.refuted else replace(decided, observed=observed)

    async def _not_there(self, delivery: Delivery) -> NotThereYet:
        """Return why there is no such pull request; it may become visible in a moment, as its sender says."""
        repo = delivery.repo
        if await self.visible.get(repo, lambda: self.forge.default_branch(repo)):
            return NotThereYet(Reason.PULL_UNKNOWN, {"message": f"404 for {repo}!{delivery.number}"})
        account = await self.identity.login()
        message = f"404 for {repo}: invite the bot's account {account} as a developer, if it exists"
        return NotThereYet(Reason.REPOSITORY_INVISIBLE, {"message": message})

    async def _comment(self, delivery: Delivery, pull: PullRequest) -> Decision:
        comment = await self.forge.comment(delivery.repo, delivery.comment_id or 0)
        if comment is None:
            return self._ignored(delivery, "there is no such comment", refuted=True)
        if await self.identity.is_me(comment.author):
            return self._ignored(delivery, "the bot's own comment")
        if doubt := _doubt(delivery, pull, comment):
            # An edited comment is never decided, whatever the next delivery reports about it.
            edited = comment.updated_at > comment.created_at
            return self._ignored(delivery, doubt, refuted=not edited)
        answered = await self._answered(pull, comment.author)
        if answering.silent_until(answered, self.clock.now(), self.answering):
            # The permission is not read again: it would cost more than everything else about such a comment.
            return self._ignored(delivery, f"{comment.author} has had all answers of this hour")
        return await self._commands(delivery, pull, comment, answered)

    async def _commands(
        self, delivery: Delivery, pull: PullRequest, comment: Comment, answered: Sequence[datetime]
    ) -> Decision:
        lines = await comment_lines.read(self.sandbox, comment, self.commands)
        if not lines:
            return self._ignored(delivery, "no command in it")
        lateness = await self._late(pull, comment)
        lines = lateness.current(lines) if delivery.found else lateness.unrevoked(lines)
        if not lines:
            return self._ignored(delivery, "a later command about the same was decided before")
        late = lateness.refusal if delivery.found else None
        needs = decide.needs(lines, self.commands, self.policy, pull.repo)
        facts = await self.gatherer.gather(pull, comment.author, needs, comment=comment)
        if not self._answers(lines, facts):
            ignored = self._ignored(delivery, f"outside contributors like {comment.author} get no answers")
            # It counts, so that only the first comments of an hour cost more than reading them.
            counted = replace(ignored, outside_contributor=comment.author)
            common = decisions.about(delivery, pull, counted, comment.author)
            return self._audited(counted, decisions.unanswered(lines, common))
        outcomes = decide.each(
            lines,
            facts.snapshot,
            permission=facts.permission,
            seen=delivery.head_sha,
            commands=self.commands,
            policy=self.policy,
            late=late or (lambda _: None),
        )
        outcomes = await self._with_helpers(pull, await self._with_variables(outcomes))
        origin = Origin(Trigger.COMMENT, comment.author, parsing.command_text(lines), delivery.key)
        merged = decide.merged(outcomes, facts.snapshot)
        subject = self._subject(facts, origin, self._left_out(merged, facts.snapshot), comment)
        decided = self._joined(merged, facts, subject)
        newest = dict.fromkeys(decision.effects(decided), comment.id)
        observed = ObservedState(self.clock.now(), commands=newest)
        decided = replace(decided, observed=observed, since=comment.created_at)
        common = decisions.about(delivery, pull, decided, comment.author)
        decided = self._audited(decided, decisions.of_comment(outcomes, decided, common))
        return self._limited(decided, facts.snapshot, answered)

    def _left_out(self, outcomes: Iterable[Outcome], snapshot: Snapshot) -> tuple[Note, ...]:
        """Return what the automatic run after an approval leaves out."""
        if not any(isinstance(one, Approve) for one in outcomes):
            return ()
        approved = replace(snapshot, trusted=True)
        return automatic.left_out(Trigger.OPEN, approved, self.commands, self.policy)

    async def _with_variables(self, decided: Decided) -> Decided:
        """Return outcomes; runs that ask for a secret as a variable are refused if no variable can have it.

        Only the secrets of runs that were granted are read. One that cannot be read is the step's matter, and
        so is the automatic run after an approval: the approval itself is not refused.
        """
        return [(line, await self._refused_variable(line, outcome) or outcome) for line, outcome in decided]

    async def _refused_variable(self, line: Line, outcome: Outcome) -> Refuse | None:
        if not isinstance(outcome, StartRun) or isinstance(line, NearMiss) or line.command.approves:
            return None
        for name in sorted(secrets.variables(outcome.plan)):
            with suppress(GiveUp, RetryLater):
                if not SecretValue(name, await self.secrets.read(name)).fits_variable:
                    return Refuse(Reason.SECRET_NOT_TEXT, {"name": name})
        return None

    async def _with_helpers(self, pull: PullRequest, decided: Decided) -> Decided:
        """Return refusals with people who may do what was refused; without them if they cannot be read."""
        if not helping.lacks_names([outcome for _, outcome in decided]):
            return decided
        repo = pull.repo
        try:
            key = str(repo).lower()
            people = await self.collaborators.get(key, lambda: self.forge.collaborators(repo))
        except (GiveUp, RetryLater) as error:
            logger.info("no names for a refusal: %s", error)
            return decided
        others = {login: level for login, level in people.items() if not await self.identity.is_me(login)}
        return [(line, helping.named(outcome, others)) for line, outcome in decided]

    def _answers(self, lines: Sequence[Line], facts: Facts) -> bool:
        """Return whether the author of a comment gets an answer."""
        if self.answering.outside_contributors or gate.known(facts.snapshot, facts.permission):
            return True
        return decide.is_named(lines, facts.snapshot, facts.permission, self.policy)

    async def _revocation(self, delivery: Delivery, pull: PullRequest) -> Decision:
        """Check the approvals given in a comment, and end what runs because of those that no longer count."""
        check = {delivery.comment_id or 0}
        facts = await self.gatherer.gather(pull, delivery.sender or pull.author, (), check=check)
        if not facts.revoked:
            return self._ignored(delivery, "the approval still counts", refuted=True)
        origin = Origin(delivery.trigger, "", "", delivery.key)
        decided = self._joined((Ignore("an approval was revoked"),), facts, self._subject(facts, origin))
        common = decisions.about(delivery, pull, decided, "")
        return self._audited(decided, decisions.of_ending(decided, common))

    async def _approves(self, delivery: Delivery) -> bool:
        approvals = await self.gatherer.records.pulls.approvals(delivery.repo, delivery.number)
        return any(one.comment == delivery.comment_id for one in approvals)

    async def _event(self, delivery: Delivery, pull: PullRequest) -> Decision:
        over = pull.state is not PullState.OPEN
        if over is not (delivery.trigger in automatic.ENDING):
            return self._ignored(delivery, f"the pull request is {pull.state} now", refuted=True)
        known = await self.gatherer.records.observed.of(pull.repo, pull.number)
        if delivery.found and missed_events.unchanged(known, pull):
            ignored = self._ignored(delivery, "this state was decided before the event was found")
            return replace(ignored, skipped=known.skipped if known else None)
        if not over and await self._pushes_too_often(pull):
            ignored = self._ignored(delivery, f"{pull.author} has had all requests for approval of this hour")
            active = await self.gatherer.records.runs.unfinished(pull.repo, pull.number)
            decided = _superseding(ignored, active, pull)
            common = decisions.about(delivery, pull, decided, pull.author)
            return self._audited(decided, decisions.of_ending(decided, common))
        needs = automatic.needs(self.commands)
        facts = await self.gatherer.gather(pull, delivery.sender or pull.author, needs)
        origin = Origin(delivery.trigger, "" if over else pull.author, "", delivery.key)
        if over:
            outcome = automatic.plan_for(delivery.trigger, facts.snapshot, None, self.commands, self.policy)
            decided = self._joined((outcome,), facts, self._subject(facts, origin))
            decided = decision.stopping(decided, facts.snapshot.active, StopRequest(Reason.CLOSED))
            return self._audited_event(delivery, facts, outcome, decided)
        repeated = delivery.trigger in {Trigger.OPEN, Trigger.UPDATE} and facts.snapshot.trusted
        skipped = known is not None and known.head == pull.head.sha and known.skipped is not None
        if repeated and await self._known(pull, delivery, skipped=skipped):
            return self._ignored(delivery, "this commit has had its automatic run")
        return await self._started(delivery, facts, origin)

    async def _started(self, delivery: Delivery, facts: Facts, origin: Origin) -> Decision:
        snapshot = facts.snapshot
        pull = snapshot.pull
        files = await self.forge.changed_files(pull.repo, pull.number)
        changed = config_file.changed(files, _counting(facts))
        proposed = await self.gatherer.config.proposed(pull) if changed else None
        broken = (replace(proposed, proposed=True),) if isinstance(proposed, ConfigBroken) else ()
        if facts.broken is None and await self._builds_nothing(facts):
            outcome: Outcome = Ignore("there is neither a configuration nor a Dockerfile")
        elif facts.broken and facts.broken.found and delivery.trigger is Trigger.UPDATE:
            outcome = Ignore("the Compose file cannot be used, as was said when the pull request was opened")
        else:
            current = snapshot if snapshot.trusted else replace(snapshot, active=())
            skip = await skip_reason(delivery.trigger, self.forge, self.gatherer.records, snapshot, files)
            outcome = automatic.plan_for(delivery.trigger, current, skip, self.commands, self.policy)
        notes = automatic.left_out(delivery.trigger, snapshot, self.commands, self.policy)
        if isinstance(proposed, Pipeline) and facts.reviewed:
            # A proposed configuration is checked when it changes, and takes effect once it is merged.
            notes = (Note("config_changed", {"file": changed or ""}), *notes)
        if delivery.trigger is Trigger.OPEN:
            notes = (*notes, *facts.hints)
        decided = self._joined((outcome,), facts, self._subject(facts, origin, notes))
        decided = replace(decided, replies=(*broken, *decided.replies))
        if not snapshot.trusted:
            request = StopRequest(snapshot.distrust.reason, snapshot.distrust.facts)
            same = [run for run in snapshot.active if run.sha == pull.head.sha and run.id not in decided.stop]
            decided = decision.stopping(decided, same, request)
            # Other events than pushes, such as a changed label, do not count.
            if snapshot.distrust.reason is Reason.NOT_TRUSTED and not await self._decided(pull):
                decided = replace(decided, outside_contributor=pull.author)
        # A push that starts nothing replaces nothing, unless it is not trusted.
        if not (decided.skipped and snapshot.trusted):
            decided = _superseding(decided, snapshot.active, pull)
        return self._audited_event(delivery, facts, outcome, decided)

    async def _builds_nothing(self, facts: Facts) -> bool:
        """Return whether an automatic run could only fail, as the repository is not set up for the bot."""
        if facts.configured:
            return False
        pull, path = facts.snapshot.pull, facts.snapshot.pipeline.build.dockerfile
        return await self.forge.file(pull.head.repo or pull.repo, path, pull.head.sha) is None

    async def _decided(self, pull: PullRequest) -> bool:
        known = await self.gatherer.records.observed.of(pull.repo, pull.number)
        return missed_events.unchanged(known, pull)

    async def _late(self, pull: PullRequest, comment: Comment) -> Lateness:
        observed = await self.gatherer.records.observed.of(pull.repo, pull.number)
        return Lateness(comment, pull, observed, self.clock.now())

    async def _known(self, pull: PullRequest, delivery: Delivery, *, skipped: bool) -> bool:
        """Return whether the newest run of code was for this commit: changed labels are updates as well.

        A superseded run does not count, because a branch can move away and back. An `open` that arrives after
        the `update` for the same commit starts nothing, but one that arrives after only commands does. An
        event after the automatic run was `skipped` does so as well.
        """
        opens = skipped or (delivery.trigger is Trigger.OPEN and not delivery.found)
        ignored = {Trigger.COMMENT} if opens else set()
        recent = await self.gatherer.records.runs.runs(repo=pull.repo, number=pull.number)
        counted = (run for run in recent if not run.plan.removes_only and run.origin.trigger not in ignored)
        newest = next(counted, None)
        if newest is None or newest.sha != pull.head.sha:
            return False
        return newest.stop is None or newest.stop.reason is not Reason.SUPERSEDED

    async def _pushes_too_often(self, pull: PullRequest) -> bool:
        """Return whether a push costs too much to be answered, and nobody has approved it."""
        inbox, pulls = self.gatherer.records.inbox, self.gatherer.records.pulls
        most = self.answering.hourly
        pushes = await inbox.answers(pull.repo, pull.number, pull.author, most, to_comments=False)
        if not answering.silent_until(pushes, self.clock.now(), self.answering):
            return False
        return not any(trust.covers(one, pull) for one in await pulls.approvals(pull.repo, pull.number))

    async def _answered(self, pull: PullRequest, actor: str) -> tuple[datetime, ...]:
        inbox = self.gatherer.records.inbox
        return await inbox.answers(pull.repo, pull.number, actor, self.answering.hourly)

    def _limited(self, decided: Decision, now: Snapshot, answered: Sequence[datetime]) -> Decision:
        """Return the decision with one reply, which announces the silence that it is followed by."""
        if now.writes:
            return decision.answered_once(decided)
        until = answering.silent_until((now.now, *answered), now.now, self.answering)
        facts = {"actor": now.actor, "most": self.answering.hourly, "until": until}
        notice = (Message("answers_limited", facts),) if until else ()
        return replace(decision.answered_once(decided, *notice), outside_contributor=now.actor)

    def _audited_event(
        self, delivery: Delivery, facts: Facts, outcome: Outcome, decided: Decision
    ) -> Decision:
        pull = facts.snapshot.pull
        # Gitee's API does not say who has closed a pull request.
        who = "" if delivery.trigger in automatic.ENDING else pull.author
        common = decisions.about(delivery, pull, decided, who)
        return self._audited(decided, decisions.of_event(outcome, decided, common))

    def _audited(self, decided: Decision, records: Iterable[AuditRecord]) -> Decision:
        return replace(decided, audit=decisions.safe(records, self.mask))

    def _joined(self, outcomes: Iterable[Outcome], facts: Facts, subject: Subject) -> Decision:
        decided = decision.join(outcomes, subject)
        return decision.revoking(decided, facts.snapshot, subject, facts.revoked)

    def _subject(
        self, facts: Facts, origin: Origin, notes: tuple[Note, ...] = (), comment: Comment | None = None
    ) -> Subject:
        now, pull = facts.snapshot.now, facts.snapshot.pull
        shown = (*notes, *facts.notes)
        return Subject(pull, origin, now, facts.language, facts.broken, shown, comment)

    def _ignored(self, delivery: Delivery, why: str, *, refuted: bool = False) -> Decision:
        return decision.ignored(delivery, self.clock.now(), why, refuted=refuted)


def _superseding(decided: Decision, active: Iterable[Run], pull: PullRequest) -> Decision:
    """Add that the runs of earlier commits are to stop."""
    old = [run for run in active if run.sha != pull.head.sha]
    return decision.stopping(decided, old, StopRequest(Reason.SUPERSEDED, {"by": pull.head.sha}))


def _counting(facts: Facts) -> tuple[str, ...]:
    """Return the Compose files that are, or could become, the configuration besides `.chatops.yml`."""
    if not facts.configured:
        return composed.NAMES
    named = facts.broken.file if facts.broken else facts.snapshot.pipeline.deploy.compose
    return (named,) if named else ()


def _doubt(delivery: Delivery, pull: PullRequest, comment: Comment) -> str | None:
    """Return why this comment is not the one of the delivery, whose body is not signed; None if it is."""
    if comment.repo is None or comment.number is None:
        return "Gitee does not report which pull request the comment belongs to"
    if not comment.repo.same_as(pull.repo) or comment.number != pull.number:
        return "the comment belongs to another pull request"
    if delivery.received_at - comment.created_at > missed_events.FRESH:
        return "the comment was written long before the delivery"
    if delivery.body_digest not in {None, keys.body_digest(comment.body)}:
        return "the comment was edited since"
    return None
