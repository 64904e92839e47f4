"""Checks of `.chatops.yml` beyond types, as tables from keys to checks.

They check the text as written, so that their problems can be reported together with those of types.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import TypeVar

from bot.core import duration, sizes
from bot.model.container_limits import ContainerMaximum
from bot.model.pipeline import RunnerName
from bot.model.text import Text
from bot.pipeline import job_checks, messages, service_checks, setup_checks
from bot.pipeline.yaml_tree import Path, Tree, section, walk

T = TypeVar("T")
Check = Callable[[str], Text | None]
Pattern = tuple[str, ...]

SECONDS = (1, 7200)
BUILDS: tuple[Pattern, ...] = (("build",), ("images", "*"))
"""The sections that say how an image is built."""
CONTAINERS: tuple[Pattern, ...] = (("deploy",), ("services", "*"))
"""The sections that say how a container runs."""
BOUNDS: Mapping[Pattern, tuple[int, int]] = {
    **dict.fromkeys(((*part, "timeout") for part in BUILDS), SECONDS),
    ("test", "timeout"): SECONDS,
    ("deploy", "timeout"): SECONDS,
    ("teardown", "timeout"): SECONDS,
    ("deploy", "setup_timeout"): SECONDS,
    ("deploy", "health", "timeout"): (1, 1800),
    ("deploy", "port"): (1, 65_535),
    ("services", "*", "port"): (1, 65_535),
}
"""Ranges of whole numbers; both ends are included."""

SECRETS: tuple[Pattern, ...] = (
    *BUILDS,
    ("deploy",),
    ("deploy", "environments", "*"),
    ("test",),
    ("services", "*"),
)
"""The sections that can ask for secrets."""

MAX_ENTRIES: Mapping[Pattern, int] = {
    ("on", "*"): 10,
    ("services",): service_checks.MOST,
    ("services", "*", "depends_on"): service_checks.MOST,
    ("images",): 10,
    ("services", "*", "volumes"): 8,
    ("services", "*", "files"): 20,
    ("deploy", "environments"): 10,
    ("test", "suites"): 20,
    ("paths", "*"): 50,
    **dict.fromkeys(((*part, "paths") for part in BUILDS), 50),
    ("deploy", "setup"): 20,
    **dict.fromkeys(((*part, "args") for part in BUILDS), 100),
    **dict.fromkeys(((*part, "files") for part in BUILDS), 20),
    **dict.fromkeys(((*part, key) for part in CONTAINERS for key in ("command", "entrypoint")), 100),
    **dict.fromkeys(((*part, "aliases") for part in CONTAINERS), 8),
    ("services", "*", "health", "command"): 100,
    ("deploy", "env"): 100,
    ("deploy", "values"): 100,
    ("deploy", "environments", "*", "env"): 100,
    ("test", "env"): 100,
    ("services", "*", "env"): 100,
    **dict.fromkeys(((*part, "secrets") for part in SECRETS), 20),
    **dict.fromkeys(((*part, "secret_env") for part in SECRETS), 20),
    **dict.fromkeys(((section, "parameters") for section in job_checks.SECTIONS), 50),
    **dict.fromkeys(((section, "artifacts") for section in job_checks.SECTIONS), 20),
}
"""Maximum number of entries of lists and mappings."""

RESERVED_HOSTS = {"app", "localhost"}
OWN_VARIABLES = {
    *("SERVICE_URL", "PUBLIC_URL", "JUNIT_PATH", "COMMIT_SHA", "PULL_REQUEST"),
    *("PATH", "HOME", "HOSTNAME", "USER", "SHELL", "PWD", "TERM"),
}
OWN_PREFIXES = ("CHATOPS_", "PUBLIC_URL_", "LD_")

_NOT_COPIED = r"""[$*?\[\]"'<]"""
_MAX_PATTERN_LENGTH = 200
_MIN_MEMORY, _MAX_MEMORY = 16 << 20, 64 << 30
_MIN_CPU, _MAX_CPU = 0.1, 64
_MIN_TTL, _MAX_TTL = timedelta(minutes=5), timedelta(days=30)


def _matching(form: str, otherwise: Text) -> Check:
    pattern = re.compile(form, re.ASCII)
    return lambda text: None if pattern.fullmatch(text) else otherwise


def _within(low: int, high: int) -> Check:
    def check(text: str) -> Text | None:
        # The check of types reports text that is not a number.
        number = re.fullmatch(r"\s*([+-]?[0-9]{1,18})\s*", text, re.ASCII)
        return None if number is None or low <= int(number[1]) <= high else messages.between(low, high)

    return check


def _repository_path(text: str) -> Text | None:
    parts = text.split("/")
    wrong = (
        not text.strip() or text.startswith(("/", "-")) or ".." in parts or re.search(r"[\\\x00-\x1f:]", text)
    )
    return messages.PATH if wrong else None


def _copied(text: str) -> Text | None:
    """Check a path that COPY takes: neither a pattern nor a variable."""
    return _repository_path(text) or (messages.PATH if re.search(_NOT_COPIED, text) else None)


def _copy_target(text: str) -> Text | None:
    fine = not _container_path(text) and not re.search(_NOT_COPIED, text)
    return None if fine else messages.COPIED


def _alias(text: str) -> Text | None:
    return messages.RESERVED if text in RESERVED_HOSTS else _hostname(text)


def _chart(text: str) -> Text | None:
    if "://" not in text:
        return _repository_path(text)
    return None if re.fullmatch(r"(?:oci|https)://[!-~]{1,400}", text) else messages.CHART


def _container_path(text: str) -> Text | None:
    parts = text.split("/")
    fine = text.startswith("/") and text.strip("/") and ".." not in parts and text.isprintable()
    return None if fine else messages.CONTAINER_PATH


def _memory(text: str) -> Text | None:
    try:
        fine = _MIN_MEMORY <= sizes.parse(text) <= _MAX_MEMORY
    except ValueError:
        fine = False
    return None if fine else messages.MEMORY


def _cpu(text: str) -> Text | None:
    fine = re.fullmatch(r"[0-9]{1,2}(?:\.[0-9]{1,3})?", text, re.ASCII)
    return None if fine and _MIN_CPU <= float(text) <= _MAX_CPU else messages.CPU


def _ttl(text: str) -> Text | None:
    try:
        duration.parse(text, minimum=_MIN_TTL, maximum=_MAX_TTL)
    except ValueError:
        return messages.TTL
    return None


def _pattern(text: str) -> Text | None:
    fine = text.strip(" /!") and len(text) <= _MAX_PATTERN_LENGTH and text.isprintable()
    return None if fine else messages.PATTERN


def _host(text: str) -> Text | None:
    if text in RESERVED_HOSTS:
        return messages.RESERVED
    return _label(text)


def _not_blank(text: str) -> Text | None:
    return None if text.strip() else messages.EMPTY


_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?"
_label = _matching(_LABEL, messages.HOST)
_hostname = _matching(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", messages.ALIAS)
_variable = _matching(r"[A-Za-z_][A-Za-z0-9_]{0,99}", messages.VARIABLE)

# Elasticsearch and others read settings such as `discovery.type` from variables.
_container_variable = _matching(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}", messages.CONTAINER_VARIABLE)


def _secret_variable(text: str) -> Text | None:
    """Check a variable that gets a secret: those that the bot or the system sets must not change."""
    own = text.upper() in OWN_VARIABLES or text.upper().startswith(OWN_PREFIXES)
    return messages.OWN_VARIABLE if own else _variable(text)


_secret = _matching(r"[a-z0-9][a-z0-9._-]{0,62}", messages.SECRET)
_url_path = _matching(r"/[!-~]{0,500}", messages.URL_PATH)
_stage = _matching(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", messages.STAGE)

VALUES: Mapping[Pattern, Check] = {
    **{pattern: _within(low, high) for pattern, (low, high) in BOUNDS.items()},
    **dict.fromkeys(((*part, "dockerfile") for part in BUILDS), _repository_path),
    **dict.fromkeys(((*part, "context") for part in BUILDS), _repository_path),
    **dict.fromkeys(((*part, "target") for part in BUILDS), _stage),
    **dict.fromkeys(((*part, "inline") for part in BUILDS), _not_blank),
    **dict.fromkeys(((*part, "files", "*") for part in BUILDS), _copied),
    ("services", "*", "files", "*"): _repository_path,
    **dict.fromkeys(((*part, "working_dir") for part in CONTAINERS), _container_path),
    **dict.fromkeys(((*part, "aliases", "*") for part in CONTAINERS), _alias),
    ("deploy", "compose"): _repository_path,
    ("deploy", "service"): _not_blank,
    ("deploy", "ttl"): _ttl,
    ("deploy", "setup", "*"): setup_checks.command,
    ("deploy", "setup", "*", "run"): setup_checks.command,
    ("deploy", "memory"): _memory,
    ("deploy", "manifests"): _repository_path,
    ("deploy", "chart"): _chart,
    ("deploy", "values", "*"): job_checks.value,
    ("deploy", "health", "path"): _url_path,
    ("deploy", "environments", "*", "ttl"): _ttl,
    ("test", "target"): _stage,
    ("test", "memory"): _memory,
    ("test", "cpu"): _cpu,
    ("test", "command"): _not_blank,
    ("test", "suites", "*"): _not_blank,
    ("test", "report"): _container_path,
    ("services", "*", "memory"): _memory,
    ("services", "*", "volumes", "*"): service_checks.volume,
    ("services", "*", "health", "path"): _url_path,
    ("services", "*", "public"): service_checks.public,
    ("services", "*", "image"): _matching(r"[a-z0-9A-Z][\w./:@-]{0,254}", messages.IMAGE),
    ("paths", "*", "*"): _pattern,
    **dict.fromkeys(((*part, "paths", "*") for part in BUILDS), _pattern),
    **dict.fromkeys(((*part, "secrets", "*") for part in SECRETS), _secret),
    **dict.fromkeys(((*part, "secret_env", "*") for part in SECRETS), _secret),
    **dict.fromkeys(((section, "artifacts", "*") for section in job_checks.SECTIONS), _pattern),
    **dict.fromkeys(((section, "job") for section in job_checks.SECTIONS), job_checks.job),
    **dict.fromkeys(((section, "parameters", "*") for section in job_checks.SECTIONS), job_checks.value),
}
"""Checks of single values."""

NAMES: Mapping[Pattern, Check] = {
    ("services", "*"): _host,
    ("images", "*"): _matching(_LABEL, messages.IMAGE_NAME),
    ("deploy", "environments", "*"): _label,
    ("test", "suites", "*"): _matching(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", messages.SUITE),
    **dict.fromkeys(((*part, "args", "*") for part in BUILDS), _variable),
    **dict.fromkeys(((*part, "files", "*") for part in BUILDS), _copy_target),
    ("services", "*", "files", "*"): service_checks.file_target,
    ("deploy", "env", "*"): _container_variable,
    ("deploy", "values", "*"): _matching(
        r"[A-Za-z_][\w-]{0,63}(?:\[[0-9]\]|\.[A-Za-z_][\w-]{0,63}){0,15}", messages.VALUE_PATH
    ),
    ("deploy", "environments", "*", "env", "*"): _container_variable,
    ("test", "env", "*"): _variable,
    ("services", "*", "env", "*"): _container_variable,
    **dict.fromkeys(((*part, "secret_env", "*") for part in SECRETS), _secret_variable),
    **dict.fromkeys(((section, "parameters", "*") for section in job_checks.SECTIONS), job_checks.parameter),
}
"""Checks of names that the author of the file chooses."""


def check_values(tree: Tree) -> Iterator[tuple[Path, Text]]:
    """Yield the problems of values, with their paths."""
    composed = section(tree, "deploy").get("compose") is not None
    for path, node in walk(tree):
        found = _about(path, node)
        # The images of services may be in a Compose file.
        if found is not None and not (composed and found is messages.IMAGE_REQUIRED):
            yield path, found


def check_names(tree: Tree) -> Iterator[tuple[Path, Text]]:
    """Yield the problems of chosen names, with their paths."""
    for path, _ in walk(tree):
        name = path[-1] if path else None
        check = _for(path, NAMES) if isinstance(name, str) else None
        found = check(str(name)) if check else None
        if found is not None:
            yield path, found


def check_maximum(tree: Tree, most: Mapping[str, ContainerMaximum]) -> Iterator[tuple[Path, Text]]:
    """Yield what asks for more than the operator allows, by the name of the runner that executes it.

    More `deploy.memory` than that is not refused: the operator's maximum then applies.
    """
    test, deploy = section(tree, "test"), section(tree, "deploy")
    if allowed := _allowed(test, most):
        yield from _above_memory(("test", "memory"), test.get("memory"), allowed)
        cpu = test.get("cpu")
        if isinstance(cpu, str) and not _cpu(cpu) and float(cpu) > allowed.cpus:
            yield ("test", "cpu"), messages.above_maximum(f"{allowed.cpus:g}")
    if allowed := _allowed(deploy, most):
        services = section(tree, "services")
        for name in services:
            memory = section(services, name).get("memory")
            yield from _above_memory(("services", name, "memory"), memory, allowed)


def _allowed(step: Mapping[str, Tree], most: Mapping[str, ContainerMaximum]) -> ContainerMaximum | None:
    runner = step.get("runner", RunnerName.DOCKER)
    return most.get(runner) if isinstance(runner, str) else None


def _above_memory(path: Path, memory: Tree, allowed: ContainerMaximum) -> Iterator[tuple[Path, Text]]:
    if isinstance(memory, str) and not _memory(memory) and sizes.parse(memory) > sizes.parse(allowed.memory):
        yield path, messages.above_maximum(allowed.memory)


def check_exclusive(tree: Tree) -> Iterator[tuple[Path, Text]]:
    """Yield keys that exclude another one."""
    deploy = section(tree, "deploy")
    if deploy.get("chart") and deploy.get("manifests"):
        yield ("deploy", "manifests"), messages.CHART_OR_MANIFESTS


def _about(path: Path, node: Tree) -> Text | None:
    if isinstance(node, str):
        check = _for(path, VALUES)
        return messages.NUL if "\0" in node else check(node) if check else None
    most = _for(path, MAX_ENTRIES)
    if node is not None and most is not None and len(node) > most:
        return messages.at_most(most)
    if _fits(path, ("services", "*")) and (node is None or (isinstance(node, dict) and "image" not in node)):
        return messages.IMAGE_REQUIRED
    return None


def _for(path: Path, table: Mapping[Pattern, T]) -> T | None:
    return next((found for pattern, found in table.items() if _fits(path, pattern)), None)


def _fits(path: Path, pattern: Pattern) -> bool:
    return len(path) == len(pattern) and all(
        wanted in {"*", part} for part, wanted in zip(path, pattern, strict=True)
    )
