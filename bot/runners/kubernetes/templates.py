"""Renders a repository's templates. It imports nothing of the bot, so that a process starts it quickly."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

LARGEST = 1 << 20
"""Characters of all rendered texts together."""
SECRET_VOLUME = "chatops-secrets"  # noqa: S105 - a name
SECRET_FOLDER = "/run/secrets"  # noqa: S105 - a path
FILES_VOLUME = "chatops-files"
_TMP_VOLUME = {"name": "tmp", "emptyDir": {}}
_TMP_MOUNT = {"name": "tmp", "mountPath": "/tmp"}  # noqa: S108 - inside the container


def as_json(value: Any) -> str:
    """Format any value for YAML, as JSON, which is valid YAML."""
    return json.dumps(value, ensure_ascii=True)


def variables(env: dict[str, Any], secrets: dict[str, Any] | None = None) -> str:
    """Format environment variables as a container's `env`, with those that a part's Secret holds."""
    return as_json(container_env(env, secrets or {"variables": {}}))


def container_env(env: Mapping[str, str], secrets: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the entries of a container's `env`; a part's Secret replaces variables of the same name."""
    keys = secrets["variables"]
    plain = [{"name": each, "value": literal(value)} for each, value in env.items() if each not in keys]
    references = {each: {"name": secrets["name"], "key": key} for each, key in keys.items()}
    return [*plain, *({"name": each, "valueFrom": {"secretKeyRef": one}} for each, one in references.items())]


def secret_volumes(secrets: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the volume with the files of a part's Secret, as entries of a pod's `volumes`; none without."""
    items = [{"key": name, "path": name} for name in secrets["files"]]
    # For everybody in the container: which user an image runs as is known only to the image.
    source = {"secretName": secrets["name"], "defaultMode": 0o444, "items": items}
    return [{"name": SECRET_VOLUME, "secret": source}] if items else []


def secret_mounts(secrets: dict[str, Any]) -> list[dict[str, Any]]:
    """Return where a container mounts that volume, as entries of its `volumeMounts`."""
    mount = {"name": SECRET_VOLUME, "mountPath": SECRET_FOLDER, "readOnly": True}
    return [mount] if secrets["files"] else []


def file_volumes(files: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return the volume with the files of the commit that a part gets; none without."""
    if not files or not files["entries"]:
        return []
    items = [{"key": one["key"], "path": one["key"], "mode": one["mode"]} for one in files["entries"]]
    return [{"name": FILES_VOLUME, "configMap": {"name": files["name"], "items": items}}]


def file_mounts(files: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return where a container mounts each of them, so that what its image has beside them stays."""
    return [
        {"name": FILES_VOLUME, "mountPath": one["path"], "subPath": one["key"], "readOnly": True}
        for one in (files or {"entries": ()})["entries"]
    ]


def volumes(
    secrets: dict[str, Any],
    restricted: bool = False,  # noqa: FBT001, FBT002 - as templates write it
    data: Sequence[dict[str, str]] = (),
    files: dict[str, Any] | None = None,
) -> str:
    """Format a pod's `volumes`: files of its Secret, `/tmp` of a restricted container, folders of data."""
    folders = [{"name": f"data-{number}", **_folder(each)} for number, each in enumerate(data)]
    own = [*secret_volumes(secrets), *([_TMP_VOLUME] if restricted else [])]
    return as_json([*own, *folders, *file_volumes(files)])


def _folder(data: dict[str, str]) -> dict[str, Any]:
    """Return the volume of a folder of data: one that outlives the pod, or an empty one."""
    if data.get("claim"):
        return {"persistentVolumeClaim": {"claimName": data["claim"]}}
    return {"emptyDir": {"sizeLimit": data["size"]}}


def mounts(
    secrets: dict[str, Any],
    restricted: bool = False,  # noqa: FBT001, FBT002 - as templates write it
    data: Sequence[dict[str, str]] = (),
    files: dict[str, Any] | None = None,
) -> str:
    """Format the `volumeMounts` of a container for these volumes."""
    folders = [{"name": f"data-{number}", "mountPath": each["path"]} for number, each in enumerate(data)]
    own = [*secret_mounts(secrets), *([_TMP_MOUNT] if restricted else [])]
    return as_json([*own, *folders, *file_mounts(files)])


def words(command: list[str]) -> str:
    """Format a command as a container's `args`."""
    return as_json([literal(word) for word in command])


def literal(value: Any) -> str:
    """Escape `$`, so that Kubernetes expands no `$(NAME)` and keeps `$$`."""
    return str(value).replace("$", "$$")


_ERRORS = (
    *(jinja2.TemplateError, ArithmeticError, LookupError, RecursionError),
    *(SyntaxError, TypeError, ValueError),
)
"""What a template can raise; a deeply nested one even from Python's own parser."""
FILTERS: dict[str, Any] = {
    "json": as_json,
    "variables": variables,
    "words": words,
    "volumes": volumes,
    "mounts": mounts,
}


def rendered(templates: dict[str, str], context: dict[str, Any]) -> dict[str, Any]:
    """Return the rendered texts by name, or the first error; files that begin with `_` are only included."""
    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.DictLoader(templates),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
    )
    environment.filters.update(FILTERS)
    found: dict[str, str] = {}
    for name in sorted(templates):
        if name.rpartition("/")[2].startswith("_"):
            continue
        try:
            found[name] = environment.get_template(name).render(context)
        except _ERRORS as error:
            line = getattr(error, "lineno", None)
            return {"name": name, "error": f"line {line}: {error}" if line else str(error)}
        if sum(map(len, found.values())) > LARGEST:
            return {"name": name, "error": "the result is too large"}
    return {"rendered": found}
