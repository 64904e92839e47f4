"""The images that the services of a Compose file run: built ones, and those of registries."""

import json
import re
from collections.abc import Mapping

from bot.pipeline import messages as own_messages
from bot.pipeline.compose import messages, values
from bot.pipeline.compose.findings import Findings
from bot.pipeline.compose.model import Build, Service
from bot.pipeline.compose.mounts import Mounts, run_code
from bot.pipeline.compose.places import below, in_repository
from bot.pipeline.yaml_tree import Path, Tree

_IMAGE = re.compile(r"[a-z0-9A-Z][\w./:@-]{0,254}", re.ASCII)


def is_foreign(image: str) -> bool:
    """Return whether this cannot be the name of an image that is built."""
    return bool(set(":@/").intersection(image))


class Images:
    """Collects what is built, each image once however many services run it."""

    def __init__(
        self, services: Mapping[str, Service], folder: str, env: Mapping[str, str], found: Findings
    ) -> None:
        self._folder = folder
        self._env = env
        self._found = found
        self._built = {
            one.image: (name, one.build)
            for name, one in services.items()
            if one.image and one.build is not None
        }
        self._names = dict[str, str]()

    def of(self, name: str, service: Service, mounted: Mounts, *, deployed: bool) -> str | None:
        """Return what a service runs: the name of an image of `images`, or an image of a registry.

        The deployed service runs one of the commit's own in any case. None after a problem.
        """
        path: Path = ("services", name)
        build, owner = service.build, name
        if build is None and service.image in self._built:
            owner, build = self._built[service.image]
        if build is not None:
            tree = self._build(("services", owner, "build"), build, mounted)
            if tree is None:
                return None
            return self._named(name, tree, mounted, (*path, "image" if service.build is None else "build"))
        if service.image is None:
            self._found.wrong(path, messages.IMAGE_OR_BUILD)
            return None
        if not _IMAGE.fullmatch(service.image):
            self._found.wrong((*path, "image"), own_messages.IMAGE)
            return None
        if not deployed and not run_code(service, mounted, self._folder):
            # Without a tag it could be the name of an image that is built.
            return service.image if is_foreign(service.image) else f"{service.image}:latest"
        inside = all(below(source, self._folder) is not None for source, _ in mounted.files.values())
        context = self._folder if inside else "."
        inline: dict[str, Tree] = {"context": context, "inline": f"FROM {service.image}\n"}
        return self._named(name, self._with_files(inline, mounted, context), mounted, (*path, "image"))

    def _named(self, name: str, tree: dict[str, Tree], mounted: Mounts, origin: Path) -> str:
        """Return the name of the image that is built so, which is the first service's that runs it."""
        key = json.dumps(tree, sort_keys=True)
        if key not in self._names:
            self._names[key] = values.label(name)
            self._found.put(("images", self._names[key]), tree, origin)
            for target, (_, path) in mounted.files.items():
                self._found.origins["images", self._names[key], "files", target] = path
        return self._names[key]

    def _build(self, path: Path, build: str | Build, mounted: Mounts) -> dict[str, Tree] | None:
        if isinstance(build, str):
            build = Build(context=build)
        else:
            path = (*path, "context")
        context = in_repository(self._folder, build.context)
        if context is None:
            self._found.wrong(path, messages.BUILD_CONTEXT)
            return None
        tree: dict[str, Tree] = {"context": context}
        if build.dockerfile_inline is not None:
            tree["inline"] = build.dockerfile_inline
        elif build.dockerfile is not None:
            inside = in_repository(context, build.dockerfile)
            dockerfile = None if inside is None else below(inside, context)
            if dockerfile is None:
                self._found.wrong((*path[:-1], "dockerfile"), messages.DOCKERFILE)
                return None
            tree["dockerfile"] = dockerfile
        if build.target is not None:
            tree["target"] = build.target
        args = {
            name: self._env.get(name) if value is None else value
            for _, name, value in values.pairs(build.args)
        }
        if given := {name: value for name, value in args.items() if value is not None}:
            tree["args"] = {**given}
        return self._with_files(tree, mounted, context)

    def _with_files(self, tree: dict[str, Tree], mounted: Mounts, context: str) -> dict[str, Tree]:
        """Add the files of the commit that are copied into the image."""
        files: dict[str, Tree] = {}
        for target, (source, path) in mounted.files.items():
            inside = below(source, context)
            if inside is None:
                self._found.wrong(path, messages.outside_context(source, context))
            else:
                files[target] = inside
        return {**tree, "files": files} if files else tree
