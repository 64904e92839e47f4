"""Finds references in a chart's `values.schema.json` that lead out of the file.

Helm loads them while it checks values: over the network, or from the bot's own files. Helm 3 follows `$ref`,
Helm 4 also the other keywords.
"""

import json
import re
from typing import Any

_REFERENCES = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})
_IDS = frozenset({"$id", "id"})
_PLAIN_ID = re.compile(r"#?[^#?]*#?")
"""A name under which Helm finds the file again. After `http://host/a#b` or `http://host/a?`, even a reference
such as `#c` means an address that it does not know yet, and loads."""
_DIALECT = re.compile(r"https?://json-schema\.org/((draft-0\d|draft/20\d\d-\d\d)/)?(hyper-)?schema#?")
"""The published versions of JSON Schema, which both Helms contain."""


def foreign_reference(text: str) -> str | None:
    """Return the first reference out of the file, None if there is none. Raises ValueError if it is not JSON.

    >>> foreign_reference('{"properties": {"host": {"$ref": "https://example.com/host.json"}}}')
    'https://example.com/host.json'
    """
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        # Each object is seen as written: of a repeated key, readers do not agree which one counts.
        found.extend(value for key, value in pairs if isinstance(value, str) and _leads_out(key, value))

    try:
        json.loads(text, object_pairs_hook=look)
    except RecursionError as error:
        message = "nested too deeply"
        raise ValueError(message) from error
    return found[0] if found else None


def _leads_out(key: str, value: str) -> bool:
    if key == "$schema":
        return _DIALECT.fullmatch(value) is None
    if key in _IDS:
        return _PLAIN_ID.fullmatch(value) is None
    return key in _REFERENCES and not value.startswith("#")
