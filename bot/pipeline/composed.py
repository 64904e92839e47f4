"""Combines `.chatops.yml` with the Compose file that it names."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from bot.core.language.spelling import nearest
from bot.model.pipeline import RunnerName
from bot.model.text import Text
from bot.model.views import ConfigBroken, ConfigProblem
from bot.pipeline import image_checks, messages, problems
from bot.pipeline.compose import conversion
from bot.pipeline.compose.findings import Findings
from bot.pipeline.compose.project import FileError, FilesNeeded, FilesNeededError, Project
from bot.pipeline.decoding import decoded
from bot.pipeline.yaml_tree import Document, Mark, Path, Tree, YamlError, parse, section

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
"""Compose files that count without `.chatops.yml`, in the order in which Compose looks for them."""

DOCKERFILE = "Dockerfile"
"""What counts instead of a Compose file without `.chatops.yml`."""

_OF_BUILDS = frozenset({"runner", "timeout", "secrets"})
"""Keys of `build` that a Compose file does not have; they hold for all of its images."""
_OF_SERVICES = frozenset({"secrets", "secret_env"})
"""Keys of a service that a Compose file does not have."""
_OWN = frozenset({"compose", "service"})
"""Keys of `deploy` that the conversion has answered."""
_INSTEAD = ("image", "manifests", "chart", "job")
"""Keys of `deploy` that describe the same as a Compose file."""


@dataclass(slots=True)
class ComposedDocument(Document):
    """`.chatops.yml` as it would be without a Compose file; its places are those in the Compose file."""

    compose: Document = field(default_factory=Document)
    origins: Mapping[Path, Path] = field(default_factory=dict)
    text: str = ""
    file: str = ""

    def at(self, path: Path) -> Mark:
        """Return the position in the Compose file of what a value was made of."""
        return self.compose.at(self.named(path))

    def at_key(self, path: Path) -> Mark:
        """Return the position in the Compose file of the key that a value was made of."""
        return self.compose.at_key(self.named(path))

    def named(self, path: Path) -> Path:
        """Return the path in the Compose file of the innermost value that contains this one."""
        ends = range(len(path), 0, -1)
        return next((self.origins[path[:end]] for end in ends if path[:end] in self.origins), ("services",))


def found_among(names: Iterable[str]) -> str | None:
    """Return the Compose file among the files of a root; the first in the order of Compose."""
    present = frozenset(names)
    return next((name for name in NAMES if name in present), None)


def file_of(tree: Tree) -> str | None:
    """Return the Compose file that `.chatops.yml` names."""
    named = section(tree, "deploy").get("compose")
    return named if isinstance(named, str) else None


def check_combinations(tree: Tree) -> Iterator[tuple[Path, Text]]:
    """Yield keys that do not go together with a Compose file."""
    deploy, build = section(tree, "deploy"), section(tree, "build")
    if file_of(tree) is None:
        if deploy.get("service") is not None:
            yield ("deploy", "service"), messages.COMPOSE_REQUIRED
        return
    beside = [("images",), *(("build", name) for name in build if name not in _OF_BUILDS)]
    for name, service in section(tree, "services").items():
        keys = service if isinstance(service, dict) else ()
        yield from (
            (("services", name, key), messages.BESIDE_COMPOSE) for key in keys if key not in _OF_SERVICES
        )
    for path in (*beside, *(("deploy", name) for name in _INSTEAD)):
        if _value(tree, path) is not None:
            yield path, messages.BESIDE_COMPOSE
    for path in (("build", "runner"), ("deploy", "runner")):
        if _value(tree, path) == RunnerName.JENKINS:
            yield path, messages.COMPOSE_OR_JENKINS


def _value(tree: Tree, path: tuple[str, ...]) -> Tree:
    inner = section(tree, path[0]) if len(path) > 1 else tree
    return inner.get(path[-1]) if isinstance(inner, dict) else None


class _BrokenError(Exception):
    """One of the files cannot be used."""

    def __init__(self, broken: ConfigBroken) -> None:
        self.broken = broken
        super().__init__(broken.file)


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read, and where."""

    file: str
    ref: str
    text: str
    document: Document

    def check(self, found: Iterable[tuple[Path, Text, str]]) -> None:
        """Raise _BrokenError if there are problems."""
        document = self.document
        self.report(
            problems.problem(path, document.at_key(path), message, guess) for path, message, guess in found
        )

    def report(self, found: Iterable[ConfigProblem]) -> None:
        """Raise _BrokenError if there are problems."""
        if broken := problems.broken(self.text, found, self.file, self.ref):
            raise _BrokenError(broken)


def combined(own: Source, files: Mapping[str, bytes | None]) -> ComposedDocument | ConfigBroken | FilesNeeded:
    """Return `.chatops.yml`, which is `own`, with the Compose file that it names.

    Otherwise return what is wrong with one of the files, or which others are needed.
    """
    compose = file_of(own.document.root) or ""
    if compose not in files:
        return FilesNeeded((compose,))
    content = files[compose]
    try:
        return _combined(own, compose, content, files)
    except _BrokenError as error:
        return error.broken
    except YamlError as error:
        return problems.unreadable(content or b"", error, compose, own.ref)
    except FileError as error:
        return problems.unreadable(files[error.file] or b"", error.error, error.file, own.ref)
    except FilesNeededError as error:
        return error.needed


def _combined(
    own: Source, file: str, content: bytes | None, files: Mapping[str, bytes | None]
) -> ComposedDocument:
    if content is None:
        own.check([(("deploy", "compose"), messages.FILE_MISSING, "")])
    text = decoded(content or b"")
    document = parse(text)
    compose = Source(file, own.ref, text, document)
    tree = own.document.root
    own.check(_unknown_service(tree, document))
    compose.report(problems.problem(path, mark, message) for path, mark, message in document.repeated)
    found = conversion.convert(document, Project(file, files), _service(tree))
    compose.check(found.problems)
    own.check(_unknown_services(tree, found))
    root = _both(tree, found)
    own.check(image_checks.check_references(root))
    return ComposedDocument(root, compose=document, origins=found.origins, text=text, file=file)


def _service(own: Tree) -> str | None:
    named = section(own, "deploy").get("service")
    return named if isinstance(named, str) else None


def _unknown_service(own: Tree, compose: Document) -> Iterator[tuple[Path, Text, str]]:
    named, known = _service(own), tuple(section(compose.root, "services"))
    if named is not None and named not in known:
        yield ("deploy", "service"), messages.unknown_service(known), nearest(named, known) or ""


def _unknown_services(own: Tree, found: Findings) -> Iterator[tuple[Path, Text, str]]:
    """Yield services of `.chatops.yml` that are not among those that run beside the deployed one."""
    known, deployed = tuple(section(found.tree, "services")), section(found.tree, "deploy")
    for name in section(own, "services"):
        if name in (deployed.get("aliases") or ()):
            yield ("services", name), messages.SECRETS_OF_DEPLOYED, ""
        elif name not in known:
            yield ("services", name), messages.unknown_service(known), nearest(name, known) or ""


def _both(own: Tree, found: Findings) -> Tree:
    """Return the keys of both files; those of `.chatops.yml` count, and its `build` holds for all images."""
    rest = {name: part for name, part in own.items() if name != "build"} if isinstance(own, dict) else {}
    build = section(own, "build")
    images: Tree = {name: _over(one, build) for name, one in section(found.tree, "images").items()}
    deploy: Tree = {name: one for name, one in section(own, "deploy").items() if name not in _OWN}
    return _over({**found.tree, "images": images}, {**rest, "deploy": deploy})


def _over(below: Tree, above: Tree) -> Tree:
    """Return a tree with what another one sets put over it."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return below if above is None else above
    return {**below, **{name: _over(below.get(name), one) for name, one in above.items()}}
