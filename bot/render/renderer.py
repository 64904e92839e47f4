"""Renders views with the operator's templates, then those of the language, the default language, and all."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace, TracebackType

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bot.core.results.masking import Masker
from bot.model.text import Language, Text
from bot.model.views import Answer, Message, View
from bot.render import escape, figures
from bot.render.cut import cut, size
from bot.words import quantities, reasons
from bot.words.names import NAMES
from bot.words.sentence import rights

LIMIT = 60_000
"""UTF-8 bytes. Gitee refuses 65,535, and does not say whether it counts bytes or characters."""

FILTERS: dict[str, Callable[..., object]] = {
    "cell": escape.cell,
    "clock": figures.clock,
    "code": escape.code,
    "digest": figures.digest,
    "facts": figures.facts,
    "fence": escape.fence,
    "link": escape.link,
    "mention": escape.mention,
    "moment": figures.moment,
    "one_line": escape.one_line,
    "prose": escape.prose,
    "size": quantities.size,
    "text": escape.text,
    "url": escape.url,
}
"""Filters for template authors, besides Jinja's own and those that depend on the language."""


class TemplateRenderer:
    """Implements ports.Renderer with Jinja templates.

    `overrides` is the operator's folder, with files `<language>/x.md.j2` or `x.md.j2`. If one of its
    templates fails, the built-in one is used, the comment says so, and `report_override` gets file and error.
    """

    def __init__(
        self,
        templates: Path,
        overrides: Path | None = None,
        report_override: Callable[[str, Exception], None] | None = None,
        *,
        default: Language = Language.ZH,
        masker: Masker | None = None,
    ) -> None:
        self._overrides = overrides
        self._report = report_override or (lambda _file, _error: None)
        self._masker = masker or Masker(())
        built_in = {language: _folders(templates, language, default) for language in Language}
        self._built_in = {language: _environment(folders, language) for language, folders in built_in.items()}
        self._overridden = {
            language: _environment([overrides / language, overrides, *folders], language)
            for language, folders in built_in.items()
            if overrides is not None
        }

    def render(self, view: View, language: Language, marker: str) -> str:
        """Return the comment's Markdown with the hidden marker as its last line, within `LIMIT` bytes."""
        body = self._masker.mask(self._body(view, language))
        room = LIMIT - size(marker) - 2
        words = self._words(language)
        return f"{cut(body, room, notice=words['was_cut'], omitted=words['log_cut'])}\n\n{marker}\n"

    def _body(self, view: View, language: Language) -> str:
        if isinstance(view, Text):
            return _plain(view.say(language))
        if isinstance(view, Answer):
            return "\n\n".join(self._body(part, language) for part in view.parts)
        name = template_name(view)
        if self._overrides is None:
            return _render(self._built_in[language], name, view)
        try:
            return _render(self._overridden[language], name, view)
        except Exception as error:  # noqa: BLE001 - an operator's template may raise anything
            file = _origin(error, self._overrides) or name
            self._report(file, error)
            built_in = self._built_in[language]
            note = built_in.get_template("_override_failed.md.j2")
            notice = note.render(file=file, error=f"{type(error).__name__}: {error}")
            return f"{_render(built_in, name, view)}\n\n{notice.strip()}"

    def _words(self, language: Language) -> dict[str, str]:
        module = self._built_in[language].get_template("_words.md.j2").module
        return {name: str(getattr(module, name)) for name in ("was_cut", "log_cut")}


def template_name(view: View) -> str:
    """Return the file of a view's template, which a message names; otherwise the class in snake case."""
    if isinstance(view, Message):
        return f"{view.template}.md.j2"
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(view).__name__).lower() + ".md.j2"


def _plain(text: str) -> str:
    """Return plain text as Markdown: only paragraphs and text between backticks are formatted."""
    return "\n".join(escape.prose(line) for line in text.splitlines())


def _folders(templates: Path, language: Language, default: Language) -> list[Path]:
    return [templates / language, templates / default, templates]


def _environment(folders: Sequence[Path], language: Language) -> Environment:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(folders),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # the target is Markdown: `escape` makes hostile text harmless
    )
    environment.filters.update(FILTERS | _worded(language))
    environment.globals["names"] = {
        table: {name: words.say(language) for name, words in named.items()} for table, named in NAMES.items()
    }
    return environment


def _worded(language: Language) -> dict[str, Callable[..., object]]:
    """Return the filters that depend on the language."""
    return {
        "duration": lambda seconds: quantities.duration(seconds, language),
        "reason": lambda given: escape.sentence(reasons.sentence(given, language)),
        "advice": lambda given: escape.sentence(reasons.advice(given, language)),
        "rights": lambda listed: escape.sentence(rights(listed, language)),
        "remark": lambda note: escape.sentence(reasons.remark(note, language)),
    }


def _render(environment: Environment, name: str, view: View) -> str:
    facts = SimpleNamespace(**view.facts) if isinstance(view, Message) else view
    text = environment.get_template(name).render(view=facts)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _origin(error: Exception, folder: Path) -> str | None:
    """Return which of the operator's files raised an error, relative to their folder."""
    files = [error.filename] if isinstance(error, TemplateError) and hasattr(error, "filename") else []
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        files.append(trace.tb_frame.f_code.co_filename)
        trace = trace.tb_next
    inside = [Path(file) for file in files if file and Path(file).is_relative_to(folder)]
    return str(inside[-1].relative_to(folder)) if inside else None
