"""Bodies and answers recorded from the real Gitee, by file name."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "samples/gitee"
PAYLOADS = sorted((FOLDER / "payloads").glob("*.json"))
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def payload(name: str) -> dict[str, Any]:
    """Return the body of a captured webhook."""
    body: dict[str, Any] = json.loads((FOLDER / f"payloads/{name}.json").read_bytes())
    return body


def answer(name: str) -> Any:
    """Return a recorded answer of the API."""
    return json.loads((FOLDER / f"api/{name}.json").read_bytes())


def containing(words: str) -> Callable[[str], bool]:
    """Return a search for comments with these words."""
    return lambda body: words in body
