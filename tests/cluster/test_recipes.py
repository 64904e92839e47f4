"""Whole repositories with the built-in manifests: opened, built, deployed, visited, tested and removed."""

from collections.abc import Awaitable, Callable, Mapping

import pytest
import yaml

from bot.core import naming
from bot.model.environment import EnvironmentKey
from bot.model.forge import RepoPath
from tests.cluster.access import Access, named
from tests.cluster.test_story import settings, sleep_after, start
from tests.cluster.visit import Visit
from tests.dialogue.tester import REPO, BotTester
from tests.recipes.recipe import RECIPES, Recipe

__all__ = ["settings", "sleep_after", "start"]

ON_KUBERNETES = ("monorepo", "compose", "writes_beside_code")


def on_kubernetes(files: Mapping[str, str]) -> dict[str, str]:
    """Return the files of a repository that is deployed and tested on the cluster."""
    config = yaml.safe_load(files.get(".chatops.yml", "deploy: {compose: docker-compose.yml}"))
    for section in ("deploy", "test"):
        config[section] = {**config.get(section, {}), "runner": "kubernetes"}
    return {**files, ".chatops.yml": yaml.safe_dump(config)}


@pytest.mark.parametrize(
    "recipe", [one for one in RECIPES if one.name in ON_KUBERNETES], ids=lambda recipe: recipe.name
)
async def test_a_repository_is_previewed_tested_and_removed(  # noqa: PLR0917 - fixtures
    start: Callable[[dict[str, str]], Awaitable[BotTester]],
    cluster: Access,
    instance: str,
    preview_domain: str,
    visit: Visit,
    recipe: Recipe,
) -> None:
    bot = await start(on_kubernetes(recipe.files()))

    said = await bot.opened(files=recipe.change)

    assert recipe.tests in said, said
    host = f"pr-1-shop.{instance}.{preview_domain}"
    assert recipe.says in visit(host).text, said
    for name, words in recipe.public.items():
        assert words in visit(f"{name}--{host}").text
    await bot.merge()
    await bot.read_all()
    key = EnvironmentKey(RepoPath(*REPO.split("/")), 1, "preview")
    assert not cluster.exists(named("v1", "Namespace", naming.namespace(key, "pr", instance)))
