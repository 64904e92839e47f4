"""The images that stand in for those of Docker Hub, so that repositories can be built offline."""

from collections.abc import Mapping

STAND_INS = {
    "python:3.11-slim": "chatops-demo-base:3.11",
    "redis:7": "chatops-demo/redis:7",
}
"""Images that `make setup` creates, by the names that repositories use."""


def offline(files: Mapping[str, bytes], stand_ins: Mapping[str, str] = STAND_INS) -> dict[str, bytes]:
    """Return the files of a repository with other images in its Dockerfiles and YAML files."""
    return {
        path: _replaced(content, stand_ins) if _names_images(path) else content
        for path, content in files.items()
    }


def _names_images(path: str) -> bool:
    return path.endswith(("Dockerfile", ".yml"))


def _replaced(content: bytes, stand_ins: Mapping[str, str]) -> bytes:
    for name, other in stand_ins.items():
        content = content.replace(name.encode(), other.encode())
    return content
