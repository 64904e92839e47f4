"""Checks a pull request's objects against the tables of allowed fields, and fills in what they lack. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.model.reason import Reason
from bot.runners.kubernetes.pure.chart_values import matches
from bot.runners.kubernetes.pure.field_rules import (
    ManifestScope,
    Refusal,
    Rule,
    find,
    is_empty,
    shown,
    suggested,
)
from bot.runners.kubernetes.pure.manifests import Manifest
from bot.runners.kubernetes.pure.object_fields import KINDS, SKIPPED

MOST_SHOWN = 50
"""Violations that are returned, and changes of one object that are."""

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]{1,100}")


@dataclass(frozen=True, slots=True)
class Violation:
    """A forbidden field or value of an object, and how to replace it."""

    subject: str
    what: str
    instead: Refusal

    @property
    def reason(self) -> Reason:
        """Why it is refused."""
        if self.instead.setting:
            return Reason.MANIFEST_UNLISTED
        return Reason.MANIFEST_VALUE_REFUSED if self.instead.allowed else Reason.MANIFEST_REFUSED

    @property
    def facts(self) -> dict[str, str]:
        """The facts that the reason's sentence names."""
        instead = {"allowed": self.instead.allowed, "setting": self.instead.setting}
        named = {"object": self.subject, "what": self.what, **instead}
        return {name: text for name, text in named.items() if text}

    def __str__(self) -> str:
        allowed = f" (allowed: {self.instead.allowed})" if self.instead.allowed else ""
        setting = f" (setting: {self.instead.setting})" if self.instead.setting else ""
        return f"{self.subject}: {self.what}{allowed}{setting}"


@dataclass(frozen=True, slots=True)
class Review:
    """The objects as they may be applied, and what the review found."""

    manifests: tuple[Manifest, ...]
    violations: tuple[Violation, ...]
    """In the order of the objects; if there are any, nothing may be applied."""
    changes: tuple[str, ...]
    """One line for each object that was changed or skipped."""


def review(manifests: Iterable[Manifest], scope: ManifestScope) -> Review:
    """Check objects, and set the fields that the policy requires."""
    allowed: list[Manifest] = []
    violations: list[Violation] = []
    changes: list[str] = []
    for manifest in manifests:
        subject = shown(str(manifest))
        if _is_skipped(manifest):
            changes.append(f"skipped {subject}")
            continue
        walk = _Walk(scope)
        allowed.append(walk.manifest(manifest))
        violations += [Violation(subject, what, instead) for what, instead in walk.refused]
        changes += [f"changed {subject}: {'; '.join(walk.changes[:MOST_SHOWN])}"] if walk.changes else []
    return Review(tuple(allowed), tuple(violations[:MOST_SHOWN]), tuple(changes))


def _is_skipped(manifest: Manifest) -> bool:
    return (manifest.api_version.partition("/")[0], manifest.kind) in SKIPPED


@dataclass(slots=True)
class _Walk:
    """Walks through one object along its table."""

    scope: ManifestScope
    refused: list[tuple[str, Refusal]] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)

    def manifest(self, manifest: Manifest) -> Manifest:
        """Return the object with the fields that the policy sets."""
        if manifest.known is None:
            kinds = ", ".join(f"{kind.api_version} {kind.name}" for kind in KINDS)
            what = f"apiVersion: {manifest.api_version}, kind: {manifest.kind}"
            self.refused.append((shown(what), Refusal(kinds)))
            return manifest
        return replace(manifest, body=self._mapping(manifest.body, Rule(fields=KINDS[manifest.known]), ""))

    def _mapping(self, value: Any, rule: Rule, path: str) -> Any:
        if not isinstance(value, Mapping):
            self._refuse(path, value, Refusal("{…}"))
            return value
        fields, found = rule.fields or {}, {}
        for name, child in value.items():
            known, at = find(fields, name), _joined(path, name)
            if known is not None:
                found[name] = self._value(child, known, at)
            elif rule.setting:
                found[name] = self._named(name, child, rule.setting, at)
            else:
                found[name] = self._unknown(child, at)
        for name in fields:
            if name not in value:
                found[name] = self._value(None, fields[name], _joined(path, name))
        return {name: child for name, child in found.items() if child is not None}

    def _value(self, value: Any, rule: Rule, path: str) -> Any:
        if value is None and rule.always:
            return self._mapping({}, rule, path) or None
        if is_empty(value) and rule.fill:
            return self._filled(rule.fill(self.scope), path)
        if value is None:
            return value
        if rule.fields is not None:
            return self._list(value, rule, path) if rule.is_list else self._mapping(value, rule, path)
        return self._leaf(value, rule, path)

    def _filled(self, value: Any, path: str) -> Any:
        if value is not None:
            self.changes.append(f"{path}: {shown(value)}")
        return value

    def _leaf(self, value: Any, rule: Rule, path: str) -> Any:
        refusal = rule.check(value, self.scope) if rule.check else None
        if refusal is None:
            return value
        if rule.instead:
            better = rule.instead(self.scope)
            now = f"{shown(better)} instead of {shown(value)}" if better is not None else "removed"
            self.changes.append(f"{path}: {now}")
            return better
        if not is_empty(value):
            self._refuse(path, value, refusal)
        return value

    def _list(self, value: Any, rule: Rule, path: str) -> Any:
        if not isinstance(value, list):
            self._refuse(path, value, Refusal("[…]"))
            return value
        return [self._mapping(item, rule, f"{path}[{_key(item, at)}]") for at, item in enumerate(value)]

    def _unknown(self, value: Any, path: str) -> Any:
        """Check a field without a rule: an explicit null or an empty list is the same as nothing."""
        if value not in (None, "", []):
            self._refuse(path, value, Refusal())
        return value

    def _named(self, name: str, value: Any, setting: str, path: str) -> Any:
        """Check an annotation or a label without a rule: the operator may allow it."""
        allowed = self.scope.allowed
        patterns = allowed.annotations if setting == "allowed_annotations" else allowed.labels
        if not (matches(name, patterns) or self.scope.ingress_annotations.get(name) == value):
            self._refuse(path, value, suggested(f"[kubernetes] {setting}", name))
        return value

    def _refuse(self, path: str, value: Any, refusal: Refusal) -> None:
        self.refused.append((path if _is_tree(value) else f"{path}: {shown(value)}", refusal))


def _is_tree(value: Any) -> bool:
    """Return whether a value is too large to be shown: a mapping, or a list of mappings or lists."""
    if isinstance(value, list):
        return any(isinstance(item, dict | list) for item in value)
    return isinstance(value, dict) and bool(value)


def _joined(path: str, name: str) -> str:
    if not path:
        return shown(name)
    return f"{path}.{name}" if _PLAIN_KEY.fullmatch(name) else f"{path}[{shown(name)}]"


def _key(item: Any, index: int) -> str:
    """Return the name of an item of a list, or its index."""
    name = item.get("name") if isinstance(item, Mapping) else None
    return name if isinstance(name, str) and _PLAIN_KEY.fullmatch(name) else str(index)
