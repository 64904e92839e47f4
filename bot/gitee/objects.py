"""Reads the API's JSON as values; raises KeyError, TypeError or ValueError for anything else."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from bot.gitee.paths import is_sha, repo_path
from bot.model.forge import Branch, Comment, Listed, Permission, PullRequest, PullState, RepoPath, Tip, User

Json = Mapping[str, Any]

_PERMISSIONS = {
    "admin": Permission.ADMIN,
    "owner": Permission.ADMIN,
    "master": Permission.ADMIN,
    "write": Permission.WRITE,
    "push": Permission.WRITE,
    "developer": Permission.WRITE,
    "none": Permission.NONE,
}
_LISTED = 300
"""Most files that Gitee lists."""
_ONE_NAME = {"added", "modified", "removed", "deleted"}
"""What may have happened to a file that has one name."""
_PULL = re.compile(r"/([^/]+)/([^/]+)/pulls/([0-9]{1,9})(?:#|$)")


def user(data: Json) -> User:
    """Read an account."""
    return User(login=str(data["login"]), name=str(data.get("name") or ""))


def pull_request(data: Json) -> PullRequest:
    """Read a pull request. Its repository is the path that the base has now, also after a rename."""
    base = data["base"]
    repo = repo_path(base["repo"])
    if repo is None:
        raise ValueError("base.repo has no path")
    return PullRequest(
        repo=repo,
        number=int(data["number"]),
        id=int(data["id"]),
        title=str(data.get("title") or ""),
        state=PullState(data["state"]),
        author=str(data["user"]["login"]),
        head=_tip(data["head"]),
        base=_tip(base),
        url=str(data.get("html_url") or ""),
        clone_url=_clone_url(base["repo"], repo),
        draft=data.get("draft") is True,
        labels=tuple(str(label["name"]) for label in data.get("labels") or ()),
        updated_at=_time(data["updated_at"]) if data.get("updated_at") else None,
    )


def listed(data: Json) -> Listed:
    """Read a pull request in a list."""
    created = _time(data["created_at"])
    return Listed(pull_request(data), created, _time(data.get("updated_at") or data["created_at"]))


def comment(data: Json) -> Comment:
    """Read a comment and the number of its pull request."""
    created = _time(data["created_at"])
    return Comment(
        id=int(data["id"]),
        body=str(data.get("body") or ""),
        author=str(data["user"]["login"]),
        created_at=created,
        updated_at=_time(data.get("updated_at") or data["created_at"]),
        url=str(data.get("html_url") or ""),
        **_place(data),
    )


def permission(data: Json) -> Permission:
    """Read a member's permission; an unknown word means that the member may only read."""
    return _PERMISSIONS.get(str(data.get("permission") or "").lower(), Permission.READ)


def pushers(members: list[Json]) -> frozenset[str]:
    """Return the logins of those collaborators who may push; those without readable permissions count."""
    return frozenset(str(member["login"]) for member in members if _may_push(member.get("permissions")))


def collaborators(members: list[Json]) -> dict[str, Permission]:
    """Return what collaborators may do, as far as the list says so."""
    return {str(member["login"]): _listed_permission(member.get("permissions")) for member in members}


def members(repository: Json) -> frozenset[str] | None:
    """Return the logins of a repository's members, who may or may not push; None if it lists none."""
    found = repository.get("members")
    return frozenset(map(str, found)) if isinstance(found, list) else None


def _listed_permission(permissions: object) -> Permission:
    held = permissions if isinstance(permissions, Mapping) else {}
    if held.get("admin") is True:
        return Permission.ADMIN
    return Permission.WRITE if held.get("push") is True else Permission.READ


def _may_push(permissions: object) -> bool:
    if not isinstance(permissions, Mapping):
        return True
    return permissions.get("push") is not False or permissions.get("admin") is not False


def changed_paths(files: list[Json]) -> tuple[str, ...]:
    """Return the changed paths, for a renamed file both names."""
    paths: dict[str, None] = {}
    for each in files:
        patch = each.get("patch") or {}
        paths[str(each["filename"])] = None
        if isinstance(patch, Mapping) and patch.get("old_path"):
            paths[str(patch["old_path"])] = None
    return tuple(paths)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two commits."""

    since: str
    """The merge base, with which the second commit is compared."""
    paths: tuple[str, ...]
    complete: bool


def comparison(data: Json) -> Comparison:
    """Read a comparison; it is incomplete when in doubt: of a renamed file, it has only the new name."""
    files = data["files"]
    plain = all(each["status"] in _ONE_NAME for each in files)
    complete = data.get("truncated") is False and len(files) < _LISTED and plain
    paths = tuple(str(each["filename"]) for each in files)
    return Comparison(str(data["merge_base_commit"]["sha"]).lower(), paths, complete)


def commits(data: list[Json]) -> dict[str, str]:
    """Return the messages of commits by their ids."""
    return {str(each["sha"]).lower(): str(each["commit"].get("message") or "") for each in data}


def content(data: Json) -> bytes:
    """Decode a file's content."""
    return base64.b64decode(data["content"] or "")


def file_names(data: Any) -> tuple[str, ...]:
    """Read the names of the files in the list of a folder."""
    return tuple(str(entry["name"]) for entry in data if entry["type"] == "file")


def branch(data: Json) -> Branch:
    """Read a branch; it is not protected when in doubt."""
    sha = str(data["commit"]["sha"])
    if not is_sha(sha):
        raise ValueError("commit.sha is no commit")
    return Branch(sha, data.get("protected") is True)


def is_public(repository: Json) -> bool:
    """Return whether everyone may read a repository; False when in doubt."""
    return repository.get("public") is True or (
        repository.get("private") is False and not repository.get("internal")
    )


def owner_of(repository: Json) -> str:
    """Return the path of a repository's namespace in lower case."""
    path = repo_path(repository)
    return path.owner.lower() if path is not None else ""


def is_personal(repository: Json) -> bool:
    """Return whether the namespace belongs to a person, not to an organization."""
    namespace = repository.get("namespace")
    return isinstance(namespace, Mapping) and namespace.get("type") == "personal"


def runs_organization(membership: object) -> bool:
    """Return whether a membership in an organization is an administrator's."""
    if not isinstance(membership, Mapping) or membership.get("active") is False:
        return False
    return membership.get("role") in {"admin", "owner"}


def _tip(data: Json) -> Tip:
    sha = str(data["sha"]).lower()
    if not is_sha(sha):
        raise ValueError("sha is not a commit id")
    return Tip(ref=str(data["ref"]), sha=sha, repo=repo_path(data.get("repo")))


def _clone_url(repository: Json, repo: RepoPath) -> str:
    """Return the git address; `html_url` is that address in most of Gitee's answers, but not in all."""
    url = str(repository.get("clone_url") or repository.get("html_url") or "")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError(f"{repo} has no web address")
    return url if url.endswith(".git") else f"{url.rstrip('/')}.git"


def _place(data: Json) -> dict[str, Any]:
    """Return the repository and the number of a comment's pull request, as far as its addresses have them."""
    for name in ("pull_request_url", "html_url"):
        found = _PULL.search(str(data.get(name) or ""))
        if found:
            return {"repo": RepoPath(found[1], found[2]), "number": int(found[3])}
    return {}


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment
