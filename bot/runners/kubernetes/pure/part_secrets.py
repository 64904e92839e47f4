"""The Secrets from which the parts of an environment read what they were granted. Pure.

Each part has its own, for one attempt of one run: its name contains both. So nothing that is deployed or
tested later can name it, even if a replica that lost its lease creates it late.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from bot.core.runs.fencing import holder_of
from bot.model.secrets import SecretValue
from bot.runners.kubernetes.pure.cluster_labels import LABEL_PART, LABEL_ROLE
from bot.runners.kubernetes.pure.manifests import SECRET

PREFIX = "chatops-secrets."
"""Beginning of their names, with which no manifest may name a Secret that it was not given."""
ROLE = "secrets"
OF_TESTS = "test"
"""The part of the suites; the others are those of a deployment."""


def name(part: str, values: Sequence[SecretValue], labels: Mapping[str, str]) -> str:
    """Return the name of a part's Secret, empty if the part has no values; `labels` name run and attempt."""
    holder = holder_of(labels)
    return f"{PREFIX}{part}.{holder.run}-{holder.attempt}" if values else ""


def reference(part: str, values: Sequence[SecretValue], labels: Mapping[str, str]) -> dict[str, Any]:
    """Return what templates may know of a part's Secret: its name, its files, and its variables' keys."""
    return {
        "name": name(part, values, labels),
        "files": _files(values),
        "variables": {each.variable: _key(each, values) for each in values if each.variable},
    }


def body(part: str, values: Sequence[SecretValue], labels: Mapping[str, str]) -> dict[str, Any]:
    """Return the Secret of a part."""
    data = {_key(each, values): each.text.encode() if each.variable else each.value for each in values}
    return {
        "apiVersion": SECRET.api_version,
        "kind": SECRET.name,
        "type": "Opaque",
        "metadata": {
            "name": name(part, values, labels),
            "labels": {**labels, LABEL_ROLE: ROLE, LABEL_PART: part},
        },
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }


def _files(values: Sequence[SecretValue]) -> list[str]:
    return [each.name for each in values if not each.variable]


def _key(value: SecretValue, values: Sequence[SecretValue]) -> str:
    """Return the key of a value: the name of its file or variable.

    If both have the same name, the variable's key gets an ending that neither kind of name can have.
    """
    if not value.variable:
        return value.name
    return f"{value.variable}.ENV" if value.variable in _files(values) else value.variable
