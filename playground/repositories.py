"""Users and repositories: creating, forking, deleting, permissions, labels and webhooks."""

import re
import secrets
from collections.abc import Iterable, Mapping

from playground import refusals
from playground.forge import OfflineForge
from playground.git_repositories import Files
from playground.state import Hook, HookMode, Label, Permission, Repository, User, now

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
_LABEL_LENGTH = range(2, 21)


def _checked_name(name: str) -> str:
    if not _NAME.match(name) or name.endswith(".git"):
        raise refusals.invalid(
            f"{name}: a name must begin with a letter or digit and must not contain spaces"
        )
    return name


def add_user(forge: OfflineForge, login: str, name: str | None = None) -> User:
    """Create a user with an access token. Raises 422 if the login is in use or invalid."""
    if forge.world.user(_checked_name(login)) is not None:
        raise refusals.invalid(f"{login} is in use")
    user = User(forge.world.ids.next("user"), login, name or login, secrets.token_hex(16), now())
    forge.world.users[login.lower()] = user
    forge.changes.notify()
    return user


def _register(
    forge: OfflineForge, full_name: str, *, private: bool, name: str | None, parent: Repository | None
) -> Repository:
    owner, _, path = full_name.partition("/")
    if forge.world.repository(f"{_checked_name(owner)}/{_checked_name(path)}") is not None:
        raise refusals.invalid(f"{full_name} is in use")
    moment = now()
    repository = Repository(
        id=forge.world.ids.next("repository"),
        owner=owner,
        path=path,
        name=name or path,
        private=private,
        default_branch=parent.default_branch if parent else "master",
        created_at=moment,
        updated_at=moment,
        pushed_at=moment,
        parent=parent,
    )
    forge.world.repositories[full_name.lower()] = repository
    return repository


async def add_repository(
    forge: OfflineForge,
    full_name: str,
    files: Files,
    *,
    private: bool = False,
    members: Mapping[str, Permission] | None = None,
    name: str | None = None,
) -> Repository:
    """Create a repository with one commit of these files on `master`, by its owner or first administrator."""
    given = {forge.user(login).login: permission for login, permission in (members or {}).items()}
    repository = _register(forge, full_name, private=private, name=name, parent=None)
    repository.members.update(given)
    by = forge.world.owner(repository) or User(0, repository.owner, repository.owner, "", now())
    git = forge.git(repository)
    await git.create(repository.default_branch)
    await git.commit(repository.default_branch, files, by, "Initial commit\n", None)
    forge.changes.notify()
    return repository


async def fork(forge: OfflineForge, origin: Repository, by: User) -> Repository:
    """Return the user's fork of a repository; create it if it does not exist."""
    forge.require(by, "read", origin)
    existing = forge.world.repository(f"{by.login}/{origin.path}")
    if existing is not None and existing.parent is origin:
        return existing
    fork_name = f"{by.login}/{origin.path}"
    repository = _register(forge, fork_name, private=origin.private, name=origin.name, parent=origin)
    await forge.git(repository).create_as_fork(forge.git(origin))
    forge.changes.notify()
    return repository


def delete(forge: OfflineForge, repository: Repository) -> None:
    """Delete a repository. Pull requests from it keep their commits and lose their head repository."""
    forge.world.repositories.pop(repository.full_name.lower())
    for other in forge.world.repositories.values():
        for pull in other.pulls.values():
            if pull.head_repository is repository:
                pull.head_repository = None
    forge.git(repository).delete()
    forge.changes.notify()


def set_permission(
    forge: OfflineForge, repository: Repository, login: str, permission: Permission | None
) -> None:
    """Set a user's permission in a repository; None removes it."""
    known = forge.user(login).login
    if permission is None:
        repository.members.pop(known, None)
    else:
        repository.members[known] = permission
    forge.changes.notify()


def protect(forge: OfflineForge, repository: Repository, branch: str) -> None:
    """Protect a branch: only administrators may push to it, others by pull requests."""
    repository.protected.add(branch)
    forge.changes.notify()


def label(forge: OfflineForge, repository: Repository, name: str) -> Label:
    """Return the label with this name; create it if it does not exist. Raises 422 for invalid names."""
    if len(name) not in _LABEL_LENGTH:
        raise refusals.invalid("标签名长度为 2 到 20 个字符")
    if name not in repository.labels:
        number = forge.world.ids.next("label")
        repository.labels[name] = Label(number, name, f"{number * 2654435761 % 0xFFFFFF:06X}", now())
    return repository.labels[name]


def checked_hook_url(url: str) -> str:
    """Return the URL. Raises 422 unless it is an HTTP URL."""
    if not re.match(r"^https?://[^\s/]+", url):
        raise refusals.invalid("URL 格式不正确")
    return url


def add_hook(
    forge: OfflineForge,
    repository: Repository,
    url: str,
    *,
    secret: str,
    mode: HookMode,
    events: Iterable[str],
) -> Hook:
    """Create a webhook. `events` are names of fields of Hook, such as `note_events`."""
    hook = Hook(forge.world.ids.next("hook"), checked_hook_url(url), secret, mode, now())
    chosen = set(events)
    for switch in ("push_events", "tag_push_events", "issues_events", "note_events", "merge_requests_events"):
        setattr(hook, switch, switch in chosen)
    repository.hooks.append(hook)
    forge.changes.notify()
    return hook
