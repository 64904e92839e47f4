"""Which way out an environment has."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from bot.core.admission.served import serves
from bot.model.egress import EgressRule
from bot.model.forge import RepoPath


def way_out(
    rules: Iterable[EgressRule], repo: RepoPath, environment: str, *, trusted: bool
) -> EgressRule | None:
    """Return the first rule for a repository's environment, None if it has no way out.

    Code that others than people with write access can have pushed has none: it could send what it finds
    there to its author.
    """
    fitting = (
        rule
        for rule in rules
        if serves(rule.repos, repo) and any(fnmatchcase(environment, one) for one in rule.environments)
    )
    return next(fitting, None) if trusted else None
