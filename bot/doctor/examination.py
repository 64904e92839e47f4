"""Runs all checks concurrently and formats their findings. A new part is added to CHECKS."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import chain, repeat

from bot.doctor import (
    buildkit,
    dns,
    docker,
    gitee,
    helm,
    jenkins,
    kubernetes,
    registry,
    secrets,
    settings,
    store,
)
from bot.doctor.findings import Check, DoctorOptions, Finding, State, wrong
from bot.model.text import Language, Text

TIME_LIMIT = 30.0
"""Seconds that one check may take."""

CHECKS: tuple[Check, ...] = (
    Check("settings", settings.check),
    Check("secrets", secrets.check, secrets.enabled),
    Check("store", store.check),
    Check("gitee", gitee.check),
    Check("registry", registry.check),
    Check("docker", docker.check, docker.enabled),
    Check("kubernetes", kubernetes.check, kubernetes.enabled),
    Check("helm", helm.check, kubernetes.enabled),
    Check("buildkit", buildkit.check, buildkit.enabled),
    Check("jenkins", jenkins.check, jenkins.enabled),
    Check("dns", dns.check),
)

_SIGNS = {State.FINE: "✓", State.NOTE: "!", State.WRONG: "✗"}
_SUMMARIES = {
    True: Text(en="No problems were found.", zh="没有发现问题。"),
    False: Text(en="Fix the items marked ✗ and run this again.", zh="请处理标有 ✗ 的各项，然后重新检查。"),
}


async def examine(
    options: DoctorOptions, checks: Sequence[Check] = CHECKS
) -> AsyncIterator[tuple[str, Sequence[Finding]]]:
    """Yield the findings of each part, in the order of the checks, while later checks still run."""
    chosen = [check for check in checks if check.enabled(options.settings)]
    running = [asyncio.create_task(_checked(check, options)) for check in chosen]
    try:
        for check, task in zip(chosen, running, strict=True):
            yield check.name, await task
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def lines(name: str, findings: Sequence[Finding], language: Language) -> Iterator[str]:
    """Format the findings of one part, one line each."""
    for label, finding in zip(chain([name], repeat("")), findings, strict=False):
        yield f"{_SIGNS[finding.state]} {label:<11} {_indented(finding.found.say(language))}"
        if finding.advice is not None:
            yield f"{'':13} → {_indented(finding.advice.say(language), 16)}"


def summary(findings: Sequence[Finding], language: Language) -> str:
    """Return the closing line."""
    return _SUMMARIES[passed(findings)].say(language)


def passed(findings: Sequence[Finding]) -> bool:
    """Whether no finding is wrong."""
    return all(finding.state is not State.WRONG for finding in findings)


async def _checked(check: Check, options: DoctorOptions) -> Sequence[Finding]:
    try:
        async with asyncio.timeout(TIME_LIMIT):
            return await check.check(options)
    except TimeoutError:
        return [
            wrong(
                Text(
                    en=f"the check took longer than {TIME_LIMIT:.0f} s",
                    zh=f"检查超过 {TIME_LIMIT:.0f} 秒仍未完成",
                )
            )
        ]
    except Exception as error:  # noqa: BLE001 - one check's bug must not hide what the others found
        message = f"{type(error).__name__}: {error}"
        return [wrong(Text(en=f"the check failed: {message}", zh=f"检查失败：{message}"))]


def _indented(text: str, column: int = 14) -> str:
    return text.replace("\n", "\n" + " " * column)
