"""JSON of git objects: commits, changed files, branches, files and trees."""

import base64
from posixpath import basename

from playground.api.serializers import ApiSerializer, Json
from playground.events import PushedCommit
from playground.git_history import FileChange, TreeEntry
from playground.state import Pull, Repository, User


def _author(serializer: ApiSerializer, commit: PushedCommit) -> Json | None:
    """Return the user with a commit's email address, if there is one."""
    login, _, host = commit.author_email.partition("@")
    user: User | None = serializer.world.user(login) if host == "noreply.example" else None
    return serializer.user(user) if user else None


def commit(serializer: ApiSerializer, repository: Repository, one: PushedCommit) -> Json:
    """Return a commit without its files."""
    api = f"{serializer.api}/repos/{repository.full_name}"
    url = f"{api}/commits/{one.sha}"
    signature = {"name": one.author_name, "date": one.time, "email": one.author_email}
    parents = [{"sha": sha, "url": f"{api}/commits/{sha}"} for sha in one.parents]
    return {
        "url": url,
        "sha": one.sha,
        "html_url": f"{serializer.web}/{repository.full_name}/commit/{one.sha}",
        "comments_url": f"{url}/comments",
        "commit": {
            "author": signature,
            "committer": signature,
            "message": one.message,
            "tree": {"sha": one.tree, "url": f"{api}/git/trees/{one.tree}"},
        },
        "author": _author(serializer, one),
        "committer": _author(serializer, one),
        "parents": parents,
    }


def pull_file(serializer: ApiSerializer, pull: Pull, change: FileChange) -> Json:
    """Return a file of a pull request. Counts are strings; for a modified file, the status is null."""
    web = f"{serializer.web}/{pull.repository.full_name}"
    return {
        "sha": pull.head_sha,
        "filename": change.path,
        "status": None if change.status == "modified" else change.status,
        "additions": str(change.additions),
        "deletions": str(change.deletions),
        "blob_url": f"{web}/blob/{pull.head_sha}/{change.path}",
        "raw_url": f"{web}/raw/{pull.head_sha}/{change.path}",
        "patch": {
            "diff": change.diff,
            "new_path": change.path,
            "old_path": change.old_path,
            "a_mode": change.old_mode,
            "b_mode": change.new_mode,
            "new_file": change.status == "added",
            "renamed_file": change.status == "renamed",
            "deleted_file": change.status == "deleted",
            "too_large": False,
        },
    }


def diff_file(serializer: ApiSerializer, repository: Repository, sha: str, change: FileChange) -> Json:
    """Return a changed file of a commit or a comparison. Counts are numbers; the patch is text."""
    web = f"{serializer.web}/{repository.full_name}"
    return {
        "sha": sha,
        "filename": change.path,
        "status": change.status,
        "additions": change.additions,
        "deletions": change.deletions,
        "changes": change.additions + change.deletions,
        "blob_url": f"{web}/blob/{sha}/{change.path}",
        "raw_url": f"{web}/raw/{sha}/{change.path}",
        "content_url": f"{serializer.api}/repos/{repository.full_name}/contents/{change.path}?ref={sha}",
        "patch": change.diff,
    }


def branch(serializer: ApiSerializer, repository: Repository, name: str, sha: str) -> Json:
    """Return a branch as an item of a list."""
    url = f"{serializer.api}/repos/{repository.full_name}"
    return {
        "name": name,
        "commit": {"sha": sha, "url": f"{url}/commits/{sha}"},
        "protected": name in repository.protected,
        "protection_url": f"{url}/branches/{name}/protection",
    }


def complete_branch(serializer: ApiSerializer, repository: Repository, name: str, tip: PushedCommit) -> Json:
    """Return a branch with its last commit."""
    links = {
        "html": f"{serializer.web}/{repository.full_name}/tree/{name}",
        "self": f"{serializer.api}/repos/{repository.full_name}/branches/{name}",
    }
    basic = branch(serializer, repository, name, tip.sha)
    return {**basic, "commit": commit(serializer, repository, tip), "_links": links}


def content(serializer: ApiSerializer, repository: Repository, ref: str, path: str, entry: TreeEntry) -> Json:
    """Return a file or folder as an item of a folder's list."""
    api = f"{serializer.api}/repos/{repository.full_name}/contents/{path}"
    html = f"{serializer.web}/{repository.full_name}/blob/{ref}/{path}"
    return {
        "type": "dir" if entry.kind == "tree" else "file",
        "size": None,
        "name": basename(path),
        "path": path,
        "sha": entry.sha,
        "url": api,
        "html_url": html,
        "download_url": f"{serializer.web}/{repository.full_name}/raw/{ref}/{path}",
        "_links": {"self": api, "html": html},
    }


def file_content(  # noqa: PLR0917 - the parts of one response
    serializer: ApiSerializer, repository: Repository, ref: str, path: str, sha: str, data: bytes
) -> Json:
    """Return a file with its content."""
    entry = TreeEntry(path, "100644", "blob", sha, len(data))
    body = content(serializer, repository, ref, path, entry)
    return {**body, "encoding": "base64", "size": len(data), "content": base64.b64encode(data).decode()}


def tree_entry(serializer: ApiSerializer, repository: Repository, entry: TreeEntry) -> Json:
    """Return an entry of a tree."""
    kind = "trees" if entry.kind == "tree" else "blobs"
    return {
        "path": entry.path,
        "mode": entry.mode,
        "type": entry.kind,
        "sha": entry.sha,
        "size": entry.size or 0,
        "url": f"{serializer.api}/repos/{repository.full_name}/git/{kind}/{entry.sha}",
    }
