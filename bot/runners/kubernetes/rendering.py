"""Renders manifest templates: the built-in ones here, a repository's in the bot's sandbox.

Jinja2's sandbox limits what a template can access, but not how much memory it takes (`'x' * 10**9`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.model.errors import TellUser
from bot.model.limits import SandboxLimits
from bot.model.reason import Reason
from bot.ports import Sandbox
from bot.runners.kubernetes import templates
from bot.runners.lines import clean

LIMITS = SandboxLimits(seconds=10, memory=256 << 20, output=4 << 20)
BUILT_IN = Path(__file__).parent / "manifests"


def built_in(name: str, context: Mapping[str, Any]) -> str:
    """Render one of the bot's own templates."""
    environment = Environment(
        loader=FileSystemLoader(BUILT_IN),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - YAML, not HTML
    )
    environment.filters |= templates.FILTERS
    return environment.get_template(f"{name}.yaml.j2").render(context)


async def of_repository(
    sandbox: Sandbox, texts: Mapping[str, str], context: Mapping[str, Any], folder: str
) -> dict[str, str]:
    """Render a repository's templates, by name. Raises TellUser(MANIFEST_INVALID) or TooExpensive."""
    found = await sandbox.call(LIMITS, folder, templates.rendered, dict(texts), dict(context))
    if "error" in found:
        raise _invalid(f"{folder}/{found['name']}", clean(found["error"]))
    rendered: dict[str, str] = found["rendered"]
    return rendered


def _invalid(path: str, message: str) -> TellUser:
    return TellUser(Reason.MANIFEST_INVALID, {"path": path, "message": message})
