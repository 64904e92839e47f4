"""The state of the fake Harbor and the rules for changing it."""

import itertools
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

REPORT = "application/vnd.security.vulnerability.report; version=1.1"
MOMENT = "2026-11-26T03:00:00.000Z"
EVERYTHING = frozenset(
    {
        "project:create",
        "repository:pull",
        "repository:push",
        "repository:list",
        "artifact:read",
        "artifact:list",
        "artifact:delete",
        "tag:delete",
        "scan:create",
    }
)


class RefusedError(Exception):
    """Harbor refuses a request, with a status and an error in its own format."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status = status
        self.body = {"errors": [{"code": code, "message": message}]}
        super().__init__(message)


@dataclass(slots=True)
class Account:
    """A user or robot account and its permissions in every project."""

    password: str
    permissions: frozenset[str] = EVERYTHING


@dataclass(slots=True)
class Findings:
    """The result of a scan and the states before it, one for each query."""

    counts: Mapping[str, int] = field(default_factory=dict)
    fixable: int = 0
    states: tuple[str, ...] = ("Pending", "Running", "Success")


@dataclass(slots=True)
class Artifact:
    """One manifest of a repository."""

    id: int
    digest: str
    media_type: str
    size: int
    tags: set[str] = field(default_factory=set)
    scan: deque[str] | None = None
    """States of the next queries; the last one remains."""

    def look(self) -> str | None:
        """Return the state of the scan and advance it."""
        if self.scan is None:
            return None
        return self.scan.popleft() if len(self.scan) > 1 else self.scan[0]


@dataclass(slots=True)
class State:
    """Projects with their repositories, accounts and rules."""

    accounts: dict[str, Account] = field(default_factory=dict)
    projects: dict[str, int] = field(default_factory=dict)
    """Id by name."""
    public: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, dict[str, Artifact]] = field(default_factory=dict)
    """Artifacts by full repository name and digest."""
    scanner: Findings | None = None
    automatic: bool = False
    """Whether pushed images are scanned automatically."""
    immutable: str = ""
    """Regular expression of tags that can be neither moved nor deleted."""
    referenced: set[str] = field(default_factory=set)
    """Digests that an index references."""
    unhealthy: set[str] = field(default_factory=set)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def create_project(self, name: str, public: str) -> None:
        """Add a project."""
        if name in self.projects:
            raise RefusedError(409, "CONFLICT", f"The project named {name} already exists")
        self.projects[name], self.public[name] = next(self._numbers), public

    def pushed(self, repository: str, digest: str, tag: str, media_type: str, size: int) -> None:
        """Store a manifest; its tag moves to it."""
        known = self.artifacts.setdefault(repository, {})
        for other in known.values():
            other.tags.discard(tag)
        artifact = known.setdefault(digest, Artifact(next(self._numbers), digest, media_type, size))
        artifact.tags.add(tag)
        if self.automatic and self.scanner is not None and artifact.scan is None:
            artifact.scan = deque(self.scanner.states)

    def check_immutable(self, tag: str, message: str) -> None:
        """Refuse what an immutability rule forbids."""
        if self.immutable and re.fullmatch(self.immutable, tag):
            raise RefusedError(412, "PRECONDITION", message)

    def find(self, repository: str, reference: str) -> Artifact:
        """Return an artifact by digest or tag."""
        known = self.artifacts.get(repository, {})
        found = next((one for one in known.values() if reference in {one.digest, *one.tags}), None)
        if found is None:
            raise RefusedError(404, "NOT_FOUND", f"artifact {repository}:{reference} not found")
        return found

    def delete_tag(self, repository: str, reference: str, tag: str) -> None:
        """Delete a tag and keep its artifact."""
        artifact = self.find(repository, reference)
        if tag not in artifact.tags:
            raise RefusedError(404, "NOT_FOUND", f"tag {tag} attached to artifact {artifact.id} not found")
        self.check_immutable(tag, f"the tag {tag} configured as immutable, cannot be deleted")
        artifact.tags.remove(tag)

    def delete_artifact(self, repository: str, reference: str) -> None:
        """Delete an artifact with all its tags; if one is immutable, delete nothing."""
        artifact = self.find(repository, reference)
        if artifact.digest in self.referenced:
            raise RefusedError(412, "VIOLATE_FOREIGN_KEY", "the deleting artifact is referenced by others")
        for tag in artifact.tags:
            self.check_immutable(tag, f"the tag {tag} configured as immutable, cannot be deleted")
        del self.artifacts[repository][artifact.digest]

    def start_scan(self, repository: str, reference: str) -> None:
        """Start a scan unless one is in progress."""
        artifact = self.find(repository, reference)
        if self.scanner is None:
            raise RefusedError(412, "PRECONDITION", "no available scanner for project: 1")
        if artifact.scan is not None and artifact.scan[0] in {"Pending", "Running"}:
            raise RefusedError(409, "CONFLICT", "a previous scan process is Running")
        artifact.scan = deque(self.scanner.states)

    def shape(self, repository: str, artifact: Artifact, *, scan: bool) -> dict[str, Any]:
        """Return an artifact as the API represents it."""
        state = artifact.look() if scan else None
        overview = {"scan_overview": {REPORT: self._report(state)}} if state else {}
        return {
            "id": artifact.id,
            "type": "IMAGE",
            "digest": artifact.digest,
            "media_type": "application/vnd.docker.container.image.v1+json",
            "manifest_media_type": artifact.media_type,
            "project_id": self.projects[repository.partition("/")[0]],
            "repository_id": 1,
            "size": artifact.size,
            "push_time": MOMENT,
            "tags": [{"id": 1, "name": tag, "immutable": False} for tag in sorted(artifact.tags)],
            **overview,
        }

    def _report(self, state: str) -> dict[str, Any]:
        report = {
            "report_id": "5f62c830-f996-11e9-957f-0242c0a89008",
            "scan_status": state,
            "start_time": MOMENT,
            "end_time": MOMENT,
            "scanner": {"name": "Trivy", "vendor": "Aqua Security", "version": "v0.61.0"},
        }
        found = self.scanner or Findings()
        if state != "Success":
            return report
        total = sum(found.counts.values())
        summary = {"total": total, "fixable": found.fixable, "summary": dict(found.counts)}
        return {**report, "severity": next(iter(found.counts), "None"), "duration": 3, "summary": summary}
