"""JSON of the API: what each value shows of itself; nothing internal, such as a service's real address."""

from datetime import datetime
from typing import Any

from bot.model.addresses import Addresses
from bot.model.environment import Environment
from bot.model.run import Image, Run, StepRecord, TestCounts, Trouble
from bot.model.scan import Scan, Severity
from bot.model.text import Language
from bot.model.views import CommandHelp


def run_shape(run: Run, addresses: Addresses) -> dict[str, Any]:
    """Return a run with its steps."""
    return {
        "id": run.id,
        "repository": str(run.repo),
        "number": run.number,
        "title": run.title,
        "sha": run.sha,
        "state": run.state,
        "final": run.state.final,
        "trigger": run.origin.trigger,
        "actor": run.origin.actor,
        "command": run.origin.command,
        "created_at": _time(run.created_at),
        "started_at": _time(run.started_at),
        "finished_at": _time(run.finished_at),
        "url": addresses.run(run.id),
        "steps": [_step(record) for record in run.steps],
    }


def environment_shape(environment: Environment, addresses: Addresses) -> dict[str, Any]:
    """Return an environment as visitors may know it."""
    return {
        "repository": str(environment.key.repo),
        "number": environment.key.number,
        "name": environment.key.name,
        "url": addresses.environment(environment),
        "state": environment.state,
        "sha": environment.sha,
        "run": environment.run,
        "deployed_at": _time(environment.deployed_at),
        "expires_at": _time(environment.expires_at),
    }


def command_shape(command: CommandHelp, language: Language) -> dict[str, Any]:
    """Return a command's help in one language."""
    arguments = [
        {"name": one.name, "usage": one.usage, "summary": one.text.say(language)} for one in command.arguments
    ]
    return {
        "name": command.name,
        "aliases": list(command.aliases),
        "usage": command.usage,
        "summary": command.summary.say(language),
        "needs": command.needs,
        "arguments": arguments,
        "examples": list(command.examples),
    }


def _trouble(trouble: Trouble) -> dict[str, Any]:
    return {"reason": trouble.reason, "facts": dict(trouble.facts), "again_in": trouble.seconds}


def _step(record: StepRecord) -> dict[str, Any]:
    result = record.result
    return {
        "name": record.name,
        "state": record.state,
        "attempt": record.attempt,
        "waiting": record.waiting,
        "link": record.link,
        "trouble": _trouble(record.trouble) if record.trouble else None,
        "started_at": _time(record.started_at),
        "finished_at": _time(record.finished_at),
        "seconds": record.seconds,
        "reason": result.reason if result else None,
        "facts": dict(result.facts) if result else {},
        "image": _image(result.image) if result and result.image else None,
        "url": result.url if result else None,
        "tests": _counts(result.tests) if result and result.tests else None,
        "failed_tests": list(result.failed_tests) if result else [],
    }


def _image(image: Image) -> dict[str, Any]:
    return {
        "reference": image.reference,
        "digest": image.digest,
        "size": image.size,
        "scan": _scan(image.scan) if image.scan else None,
    }


def _scan(scan: Scan) -> dict[str, Any]:
    counts = {str(severity): scan.counts.get(severity, 0) for severity in Severity}
    return {**counts, "total": scan.total, "fixable": scan.fixable, "scanner": scan.scanner}


def _counts(counts: TestCounts) -> dict[str, Any]:
    return {
        "passed": counts.passed,
        "failed": counts.failed,
        "skipped": counts.skipped,
        "flaky": counts.flaky,
        "seconds": counts.seconds,
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
