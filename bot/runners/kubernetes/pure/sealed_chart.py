"""A chart without templates, made of objects that were looked at: what Helm applies is what was checked.

A chart that reaches the cluster while it is rendered (`lookup`) would render otherwise for Helm than for
whoever checks it, and would read what the bot may read. So it is rendered once, out of the cluster's reach,
and Helm gets the outcome.
"""

import json
from collections.abc import Iterable
from typing import Any

from bot.runners.kubernetes.pure.manifests import Manifest

HOOK = "helm.sh/hook"


def files(name: str, version: str, bodies: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return the chart's files by path."""
    chart = {"apiVersion": "v2", "name": name, "version": version, "type": "application"}
    return {
        "Chart.yaml": json.dumps(chart),
        "templates/all.yaml": "\n---\n".join(_sealed(body) for body in bodies) + "\n",
    }


def is_hook(manifest: Manifest) -> bool:
    """Tell whether Helm runs an object beside the release instead of keeping it."""
    annotations = manifest.body["metadata"].get("annotations")
    return isinstance(annotations, dict) and HOOK in annotations


def _sealed(body: dict[str, Any]) -> str:
    # Only within texts do two braces stand side by side in JSON, and there one can be written otherwise.
    return json.dumps(body).replace("{{", "{\\u007b")
