"""Decodes the JSON of Gitee's answers and webhooks."""

import json
from typing import Any

from bot.gitee.errors import unreadable


def decode(body: bytes) -> Any:
    """Return the value of a JSON text. Raises ValueError and RecursionError for anything else.

    A surrogate without its other half, which JSON can only write as an escape, becomes `?`: neither UTF-8
    nor PostgreSQL can hold it, so that one in a title would break every list that contains the pull request.
    """
    value = json.loads(body)
    if b"\\ud" not in body.lower():
        return value
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def decode_answer(body: bytes, asked: str) -> Any:
    """Return the value of an answer to a call such as `GET /user`. Raises RetryLater(GITEE_UNAVAILABLE)."""
    try:
        return decode(body)
    except (ValueError, RecursionError) as error:
        raise unreadable(asked, "the answer is not JSON") from error
