"""The template engine of the pages: it escapes all values, rejects unknown names, and knows the language."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from importlib import resources
from typing import Any

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from bot.model.text import Language
from bot.web.pages import formatting, messages
from bot.web.pages.language import COOKIE, choose
from bot.words import quantities, reasons
from bot.words.names import NAMES
from bot.words.sentence import Part, PartKind, rights

_CODE = re.compile(r"`([^`]+)`")

TEMPLATES = web.AppKey("templates", Environment)


def new_templates() -> Environment:
    """Read the templates that are shipped with the bot."""
    templates = Environment(
        loader=PackageLoader("bot.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals["asset_version"] = _asset_version()
    templates.filters["size"] = quantities.size
    templates.filters["coded"] = coded
    return templates


def coded(text: str) -> Markup:
    """Return a sentence of a command's help as HTML, with the text between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


def sentence(parts: Iterable[Part]) -> Markup:
    """Return a sentence of the bot as HTML, with the facts in it escaped."""
    return Markup().join(
        _CODE_PART.format(one.value) if one.kind is PartKind.CODE else one.value for one in parts
    )


_CODE_PART = Markup("<code>{}</code>")


def visitor_language(request: web.BaseRequest, default: Language) -> Language:
    """Return the language of pages for this visitor."""
    return choose(
        request.query.get("lang", ""),
        request.cookies.get(COOKIE, ""),
        request.headers.get("Accept-Language", ""),
        default,
    )


def render(
    templates: Environment, name: str, language: Language, now: datetime, facts: Mapping[str, Any]
) -> str:
    """Return a page's HTML."""

    def say(key: str, **values: object) -> str:
        return messages.say(key, language, **values)

    return templates.get_template(name).render(
        facts,
        lang=language,
        t=say,
        named=lambda table, name: NAMES[table][name].say(language),
        rights=lambda listed: sentence(rights(listed, language)),
        explain=lambda given: sentence(reasons.sentence(given, language)),
        remark=lambda note: sentence(reasons.remark(note, language)),
        ago=lambda then: formatting.relative(then, now, language),
        took=lambda seconds: quantities.duration(seconds, language),
        exact=lambda then: f"{then.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
        now=now,
    )


def _asset_version() -> str:
    """Return a digest of the static files, so that browsers cache them until they change."""
    folder = resources.files("bot.web") / "static"
    digest = sha256()
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:8]
