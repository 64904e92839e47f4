"""The names of a run's files. They are made safe here, so that none leads out of its folder."""

import hashlib
import re
from collections.abc import Collection
from urllib.parse import quote

from bot.core.reconciling.retention import LOG

REPORT = "report.html"
SUITES = "suites/"
SERVICES = "services/"
RESULTS = "/report.json"
PAGE = ".html"
_OWN_PAGE = re.compile(r"suites/[A-Za-z0-9_-]{1,64}/html/[0-9]{3}-[A-Za-z0-9_-]{1,64}\.html")
_SAFE_STEP = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_HTML = "/html/"
_NUMBER = re.compile(r"(?<=/html)/[0-9]{3}-")
_LENGTH = 48


def slug(name: str) -> str:
    """Return a safe file name for a hostile one; a hash keeps similar names apart."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:_LENGTH]
    if plain == name and plain:
        return plain
    return f"{plain or 'name'}-{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"


def log(step: str) -> str:
    """Return the name of a step's log. Raises ValueError for an invalid name of a step."""
    if not _SAFE_STEP.fullmatch(step):
        raise ValueError(f"not a step: {step!r}")
    return f"{step}{LOG}"


def service(name: str) -> str:
    """Return the name of the file with what was kept of a service's output."""
    return f"{SERVICES}{slug(name)}{LOG}"


def services(names: Collection[str]) -> tuple[str, ...]:
    """Return the services of which a run's files have output, in order."""
    kept = (name for name in names if name.startswith(SERVICES))
    return tuple(sorted(name.removeprefix(SERVICES).removesuffix(LOG) for name in kept))


def is_own_page(name: str) -> bool:
    """Return whether this is the name of an HTML report that a suite has written itself."""
    return _OWN_PAGE.fullmatch(name) is not None


def own_page(wanted: str, names: Collection[str]) -> str | None:
    """Return the name of an HTML report of a suite, given that name or its address.

    The address of a report ends with its own name, so that links between the reports of a suite work.
    """
    if is_own_page(wanted) and wanted in names:
        return wanted
    folder, _, own = wanted.partition(_HTML)
    expected = numbered(f"{folder}{_HTML}", 0, own, PAGE)
    pages = filter(is_own_page, names)
    return next((name for name in pages if _NUMBER.sub("/000-", name) == expected), None)


def address(name: str, own: str) -> str:
    """Return the address of an HTML report relative to the report of its run; it ends with its own name."""
    if not own.isprintable() or any(part in {"", ".", ".."} for part in own.split("/")):
        return name
    return f"{name.partition(_HTML)[0]}{_HTML}{quote(own)}"


def numbered(beginning: str, number: int, own: str, suffix: str) -> str:
    """Return the name of one of a suite's own files, given its own name."""
    plain = own[: -len(suffix)] if own.lower().endswith(suffix) else own
    return f"{beginning}{number:03d}-{slug(plain)}{suffix}"


def suite(name: str) -> str:
    """Return the prefix of the names of a suite's files."""
    return f"{SUITES}{slug(name)}"
