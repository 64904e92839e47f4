"""Files of the commit that a service of an environment gets: a ConfigMap, whose entries it mounts. Pure."""

import base64
from collections.abc import Sequence
from typing import Any

from bot.ports import CopiedFile
from bot.runners.kubernetes.pure.manifests import CONFIG_MAP, Manifest


def name(part: str) -> str:
    """Return the name of a part's ConfigMap."""
    return f"{part}-files"


def config_map(part: str, files: Sequence[CopiedFile]) -> Manifest:
    """Return the ConfigMap with the contents of a part's files."""
    found = name(part)
    data = {_key(index): base64.b64encode(file.content).decode() for index, file in enumerate(files)}
    body = {
        "apiVersion": CONFIG_MAP.api_version,
        "kind": CONFIG_MAP.name,
        "metadata": {"name": found},
        "binaryData": data,
    }
    return Manifest(CONFIG_MAP.api_version, CONFIG_MAP.name, found, body)


def reference(part: str, files: Sequence[CopiedFile]) -> dict[str, Any]:
    """Return what templates need to mount these files."""
    return {
        "name": name(part),
        "entries": [
            {"key": _key(index), "path": file.path, "mode": 0o755 if file.executable else 0o644}
            for index, file in enumerate(files)
        ],
    }


def _key(index: int) -> str:
    """Return the key of a file: its path may have characters that keys do not have."""
    return f"file-{index}"
