"""Checks of `images` in `.chatops.yml`, and of the keys that name one of them."""

from collections.abc import Iterator

from bot.core.language.spelling import nearest
from bot.model.pipeline import RunnerName
from bot.model.text import Text
from bot.pipeline import messages
from bot.pipeline.yaml_tree import Path, Tree, section

OF_JOBS = ("job", "parameters", "artifacts")
"""Keys of `build` that only its Jenkins job has: a job builds one image."""
OFF = ("0", "off", "f", "false", "n", "no")
"""What the type of a switch reads as false."""


def check_combinations(tree: Tree) -> Iterator[tuple[Path, Text]]:
    """Yield keys that do not go together with `images`, and an image that is not chosen."""
    images = section(tree, "images")
    if not images:
        return
    if isinstance(tree, dict) and "build" in tree:
        yield ("build",), messages.BUILD_BESIDE_IMAGES
    for name, image in images.items():
        for key in OF_JOBS:
            if isinstance(image, dict) and image.get(key) is not None:
                yield ("images", name, key), messages.NOT_OF_IMAGES
    deploy = section(tree, "deploy")
    if len(images) > 1 and deploy.get("image") is None and not is_off(deploy.get("enabled")):
        yield ("images",), messages.IMAGE_NOT_CHOSEN


def check_dockerfiles(tree: Tree) -> Iterator[tuple[Path, Text]]:
    """Yield Dockerfiles beside the text of one."""
    images = [(("images", name), one) for name, one in section(tree, "images").items()]
    builds: list[tuple[Path, Tree]] = [(("build",), section(tree, "build")), *images]
    for path, one in builds:
        if isinstance(one, dict) and one.get("inline") is not None and one.get("dockerfile") is not None:
            yield (*path, "dockerfile"), messages.INLINE_OR_FILE


def check_runners(tree: Tree) -> Iterator[tuple[Path, Text]]:
    """Yield runners of images that differ from that of the first image, and those that are Jenkins."""
    images = {name: image for name, image in section(tree, "images").items() if isinstance(image, dict)}
    runners = {name: image.get("runner", RunnerName.DOCKER) for name, image in images.items()}
    for name, runner in runners.items():
        if runner == RunnerName.JENKINS:
            yield ("images", name, "runner"), messages.NOT_OF_IMAGES
        elif runner != next(iter(runners.values())):
            yield ("images", name, "runner"), messages.ONE_RUNNER


def check_references(tree: Tree) -> Iterator[tuple[Path, Text, str]]:
    """Yield names of images that do not exist, each with the nearest one that does."""
    known = tuple(map(str, section(tree, "images")))
    if not known and section(tree, "deploy").get("compose") is not None:
        return  # The images are in the Compose file.
    for step in ("deploy", "test"):
        name = section(tree, step).get("image")
        if isinstance(name, str) and name not in known:
            message = messages.one_of(known) if known else messages.NO_IMAGES
            yield (step, "image"), message, nearest(name.lower(), known) or ""


def is_off(value: Tree) -> bool:
    """Return whether a switch is off."""
    return isinstance(value, str) and value.lower() in OFF
