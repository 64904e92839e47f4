"""Whole repositories on the real engine: opened, built, deployed, visited, tested and removed."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import httpx
import pytest

from bot.core.naming import LABEL_INSTANCE
from bot.model.secrets import SecretStep
from bot.model.text import Language
from bot.settings.model import SecretSettings, Settings
from tests.dialogue.tester import BotTester
from tests.e2e.conftest import PATIENCE, start
from tests.e2e.conftest import settings as e2e_settings
from tests.real.fixtures import base_image, instance, registry, sdk
from tests.real.mirrors import Mirror, bridge_address, serving
from tests.real.parts import tar
from tests.recipes.recipe import RECIPES, ROOT, Recipe

__all__ = ["base_image", "e2e_settings", "instance", "registry", "sdk", "start"]

# One registry for all: the layers of the base images are pushed to it once.
pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("recipes")]

TOKEN = "npm_5e1f09c7d2"
PACKAGE = tar(
    {
        "package/package.json": '{"name": "@shop/ui", "version": "1.2.0"}',
        "package/index.js": "exports.page = (text) => `<h1>${text}</h1>`;\n",
    }
)
PACKAGES = {"/@shop/ui/-/ui-1.2.0.tgz": PACKAGE}
HOST = "pr-1-shop.test.example.com"
MARKER = "<!-- chatops:run=1 -->"
VARIES = (
    (r"\b[0-9a-f]{8}\b", "a1b2c3d4"),
    (r"(sha256:[0-9a-f]{12})[0-9a-f]*", "sha256:9f86d081884c"),
    (r"(runs|reports)/1-\w+", r"\1/1-d3epqj"),
    (r"\d+\.\d MB", "56.1 MB"),
    (r"\| \d[^|]* ?(?:m|毫)?(s|秒) \|", r"| 3.1 \1 |"),
    (r"127\.0\.0\.1:\d+/", "registry.example.com/"),
)
"""Replacements for what differs from run to run."""


def named(recipe: Recipe) -> str:
    return recipe.name


@pytest.fixture
async def mirror(sdk: docker.DockerClient) -> AsyncIterator[str]:
    """Serve the team's private npm packages, and provide the address."""
    async with serving(Mirror(f"Bearer {TOKEN}", PACKAGES), bridge_address(sdk)) as found:
        yield found.host


@pytest.fixture
def settings(e2e_settings: Settings, tmp_path: Path) -> Settings:
    file = tmp_path / "npm-token"
    file.touch(0o600)
    file.write_text(TOKEN)
    return replace(
        e2e_settings,
        # The rules would hold for everything on the engine's bridge: tests/attack/test_build_network.py.
        docker=replace(e2e_settings.docker, build_network="default", firewall=False),
        secrets={"npm-token": SecretSettings(("team/*",), (SecretStep.BUILD,), file)},
    )


@pytest.mark.parametrize("recipe", RECIPES, ids=named)
async def test_a_repository_is_previewed_tested_and_removed(  # noqa: PLR0917 - fixtures
    start: Callable[[dict[str, str]], Awaitable[BotTester]],
    sdk: docker.DockerClient,
    instance: str,
    mirror: str,
    golden: Callable[[str, str], None],
    recipe: Recipe,
) -> None:
    bot = await start(recipe.files(mirror))
    said = await bot.opened(files=recipe.change)
    assert recipe.tests in said, said
    async with visitor_of(bot) as visitor:
        assert recipe.says in (await visitor.get("/")).text, said
        for name, words in recipe.public.items():
            assert words in (await visitor.get("/", headers={"Host": f"{name}--{HOST}"})).text
        for language in Language:
            golden(f"recipes/{recipe.name}.{language}.md", await comment(bot, language))

        await bot.merge()
        assert "Environment torn down" in await bot.read()
        assert (await visitor.get("/")).status_code == httpx.codes.GONE
    wanted: Any = {"label": f"{LABEL_INSTANCE}={instance}"}
    assert sdk.containers.list(all=True, filters=wanted) == []
    assert sdk.volumes.list(filters=wanted) == []


def visitor_of(bot: BotTester) -> httpx.AsyncClient:
    """Return a client of the preview."""
    url = bot.bot.listeners.previews.url
    return httpx.AsyncClient(base_url=url, headers={"Host": HOST}, timeout=PATIENCE)


def test_every_golden_file_has_a_recipe() -> None:
    expected = {f"{recipe.name}.{language}.md" for recipe in RECIPES for language in Language}

    assert {file.name for file in (ROOT / "tests/golden/recipes").iterdir()} == expected


async def comment(bot: BotTester, language: Language) -> str:
    """Return the comment of the run in a language, with samples for what differs from run to run."""
    (run,) = await bot.runs()
    comments = bot.bot.comments
    text = comments.publisher._renderer.render(await comments._view(run), language, MARKER)
    for pattern, sample in VARIES:
        text = re.sub(pattern, sample, text)
    return text
