"""Rules for the fields of manifests: which values they may have, and which ones the bot sets. Pure."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

from bot.core.admission.images import ImagePolicy
from bot.model.shortening import shortened

PodSecurityLevel = Literal["restricted", "baseline"]
"""Level of the Pod Security Standards."""

BASELINE_SETTING = '[kubernetes] pod_security = "baseline"'


@dataclass(frozen=True, slots=True)
class AllowList:
    """What an operator allows in addition to the rules; patterns, of which the last match decides."""

    annotations: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    storage_classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ManifestScope:
    """What one pull request's objects may use."""

    namespace: str
    host: str
    """The only hostname that its Ingresses may claim."""
    reserved: frozenset[str] = frozenset()
    """Names of the bot's own Secrets, besides those that begin with `part_secrets.PREFIX`."""
    secrets: frozenset[str] = frozenset()
    """Names of the bot's Secrets that this deployment was given, which pods may read."""
    pull_secret: str = ""
    """The Secret with which pods pull images; it is given to accounts that have none."""
    level: PodSecurityLevel = "restricted"
    run_as_user: int | None = None
    """User id of pods that set none."""
    ingress_class: str = ""
    ingress_annotations: Mapping[str, str] = field(default_factory=dict)
    """The annotations that the operator gives to Ingresses; a repository may repeat them."""
    volume_size: str = "2Gi"
    """Size of `emptyDir` volumes that have none."""
    allowed: AllowList = field(default_factory=AllowList)
    images: ImagePolicy = field(default_factory=ImagePolicy)
    own_images: tuple[str, ...] = ()
    """Names of the repository's own images, without tags."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """How to replace a refused value: by one of `allowed`, or by the operator's `setting`; else remove it."""

    allowed: str = ""
    setting: str = ""


Check = Callable[[Any, ManifestScope], Refusal | None]
Fill = Callable[[ManifestScope], Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """What one field may contain. Without `check` and `fields` it may contain anything."""

    check: Check | None = None
    fields: "Mapping[str, Rule] | None" = None
    """The fields of a mapping, by name or by a pattern of names; all others are refused."""
    is_list: bool = False
    """Whether the field is a list of such mappings."""
    fill: Fill | None = None
    """The value of a missing field; None leaves it out."""
    instead: Fill | None = None
    """What replaces a value that fails the check; without it such a value is refused."""
    always: bool = False
    """Whether a missing mapping is created, so that its own fields can be filled in."""
    setting: str = ""
    """The setting that lists further names of `fields`: `allowed_annotations` or `allowed_labels`."""


FREE = Rule()


def free(names: str) -> dict[str, Rule]:
    """Return fields that may contain anything."""
    return dict.fromkeys(names.split(), FREE)


def group(fields: Mapping[str, Rule], *, fill: Fill | None = None, always: bool = False) -> Rule:
    """Return the rule of a mapping."""
    return Rule(fields=fields, fill=fill, always=always)


def each(fields: Mapping[str, Rule]) -> Rule:
    """Return the rule of a list of mappings."""
    return Rule(fields=fields, is_list=True)


def only(*values: Any, fill: Fill | None = None, instead: Fill | None = None) -> Rule:
    """Return the rule of a field that may have one of these values."""

    def check(value: Any, _: ManifestScope) -> Refusal | None:
        found = any(type(value) is type(each_) and value == each_ for each_ in values)
        return None if found else Refusal(", ".join(map(shown, values)))

    return Rule(check, fill=fill, instead=instead)


def off(*, always: bool = False, instead: bool = False) -> Rule:
    """Return the rule of a switch that is off: `always` sets it, `instead` also if it is on."""

    def check(value: Any, _: ManifestScope) -> Refusal | None:
        return None if value is False else Refusal("false")

    def set_off(_: ManifestScope) -> bool:
        return False

    return Rule(check, fill=set_off if always else None, instead=set_off if instead else None)


def matching(pattern: str, form: str) -> Rule:
    """Return the rule of a text that matches a regular expression; `form` shows people what it may be."""

    def check(value: Any, _: ManifestScope) -> Refusal | None:
        fine = isinstance(value, str) and len(value) <= _LONGEST and re.fullmatch(pattern, value)
        return None if fine else Refusal(form)

    return Rule(check)


def at_most(limit: int) -> Rule:
    """Return the rule of a number from 0 to a limit; a value beyond it becomes the limit."""

    def check(value: Any, _: ManifestScope) -> Refusal | None:
        return None if type(value) is int and 0 <= value <= limit else Refusal(f"≤ {limit}")

    return Rule(check, instead=constant(limit))


def never() -> Rule:
    """Return the rule of a field that may not exist."""
    return Rule(lambda _value, _scope: Refusal())


def dropped() -> Rule:
    """Return the rule of a field that is removed: it means nothing in a preview."""
    return Rule(lambda _value, _scope: Refusal(), instead=constant(None))


def constant(value: Any) -> Fill:
    """Return a value that does not depend on the pull request; None is no value."""
    return lambda _: value


def find(fields: Mapping[str, Rule], name: str) -> Rule | None:
    """Return the rule of a field. In a pattern of names, `*` matches anything but a slash."""
    if name in fields:
        return fields[name]
    depth = name.count("/")
    patterns = (each_ for each_ in fields if "*" in each_ and each_.count("/") == depth)
    return next((fields[each_] for each_ in patterns if fnmatchcase(name, each_)), None)


def suggested(setting: str, name: str) -> Refusal:
    """Return the refusal that suggests to list a name; only plain names, because people copy the setting."""
    return Refusal(setting=f'{setting} = ["{name}"]' if _LISTABLE.fullmatch(name) else "")


def is_empty(value: Any) -> bool:
    """Return whether a value is the same as no value."""
    return value is None or value in ("", [], {})


def shown(value: Any) -> str:
    """Return a value as people write it, on one line and cut to a readable length."""
    plain = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return shortened(plain if plain.isprintable() else json.dumps(value), _LONGEST)


_LONGEST = 120
_LISTABLE = re.compile(r"[A-Za-z0-9._/:-]{1,100}")
