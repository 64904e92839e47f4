"""Compares the replies of commands with their golden files."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.model.text import Language
from bot.model.views import View
from bot.render.renderer import TemplateRenderer

TEMPLATES = Path(__file__).parents[2] / "comment_templates"
MARKER = "<!-- chatops:reply=key:0 -->"


@pytest.fixture
def golden_comment(golden: Callable[[str, str], None]) -> Callable[[str, View], None]:
    """Compare a reply in both languages with tests/golden/commands; with --update-golden, write it."""

    def compare(name: str, view: View) -> None:
        for language in Language:
            body = TemplateRenderer(TEMPLATES).render(view, language, MARKER)
            golden(f"commands/{name}.{language}.md", body)

    return compare
