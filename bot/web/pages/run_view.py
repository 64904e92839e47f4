"""What a run's page shows at the top, taken from the run alone: pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.model.pipeline import RunnerName
from bot.model.plan import Deploy
from bot.model.run import Image, Run, RunState, StepRecord, StepResult, StepState, TestCounts
from bot.model.text import Language
from bot.web.pages.messages import say
from bot.words.names import STEPS


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run's verdict and results."""

    headline: str
    culprit: StepResult | None
    """The result that made the run fail, if it has a reason."""
    serving: StepResult | None
    """The result of a deployment that did not succeed, while an earlier one still answers."""
    images: tuple[Image, ...]
    url: str | None
    services: Mapping[str, str]
    """URLs of the deployed public services, by name."""
    deployed: bool
    """Whether it has deployed services whose output can be read."""
    tests: TestCounts | None
    failed_tests: tuple[str, ...]
    seconds: float | None


def run_facts(run: Run, position: int, language: Language) -> RunFacts:
    """Return what the page shows of a run; `position` is 0 for a run that does not wait."""
    results = [record.result for record in run.steps if record.result]
    culprit = _culprit(run)
    return RunFacts(
        headline=_headline(run, position, language),
        culprit=culprit.result if culprit and culprit.result and culprit.result.reason else None,
        serving=next((one for one in results if one.serving_sha), None),
        images=next((one.images for one in results if one.images), ()),
        url=next((one.url for one in results if one.url), None),
        services=next((one.services for one in results if one.services), {}),
        deployed=_deployed(run),
        tests=next((one.tests for one in results if one.tests), None),
        failed_tests=next((one.failed_tests for one in results if one.failed_tests), ()),
        seconds=(run.finished_at - run.started_at).total_seconds()
        if run.finished_at and run.started_at
        else None,
    )


def _deployed(run: Run) -> bool:
    runners = {step.config.runner for step in run.plan.steps if isinstance(step, Deploy)}
    return RunnerName.JENKINS not in runners and any(
        one.name == "deploy" and one.state is StepState.PASSED for one in run.steps
    )


def _culprit(run: Run) -> StepRecord | None:
    return next((one for one in run.steps if one.state in {StepState.FAILED, StepState.BROKEN}), None)


def _headline(run: Run, position: int, language: Language) -> str:
    if run.stop is not None and not run.state.final:
        return say("run.stopping", language)
    if run.state is RunState.QUEUED:
        if position > 1:
            return say("run.position", language, ahead=position - 1)
        return say("run.next", language)
    if run.state is RunState.RUNNING:
        now = next((one for one in run.steps if one.state is StepState.RUNNING), None)
        return say("run.now", language, step=STEPS[now.name].say(language)) if now else ""
    return _ended(run, language)


def _ended(run: Run, language: Language) -> str:
    culprit = _culprit(run)
    if run.state is RunState.FAILED and culprit:
        key = "run.broken_at" if culprit.state is StepState.BROKEN else "run.failed_at"
        return say(key, language, step=STEPS[culprit.name].say(language))
    untested = run.state is RunState.PASSED and run.untested
    return say("run.untested", language) if untested else ""
