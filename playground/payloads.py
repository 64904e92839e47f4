"""Bodies of webhooks, modeled on captured deliveries of Gitee."""

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Any

from playground.events import Event, NoteEvent, PullEvent, PushedCommit, PushEvent
from playground.git_repositories import ZERO
from playground.state import CHINA, Comment, Hook, Label, Pull, Repository, User, World

Json = dict[str, Any]

HOOK_NAMES = {
    "Merge Request Hook": "merge_request_hooks",
    "Note Hook": "note_hooks",
    "Push Hook": "push_hooks",
}


def event_name(event: Event) -> str:
    """Return the value of `X-Gitee-Event`."""
    if isinstance(event, PullEvent):
        return "Merge Request Hook"
    return "Note Hook" if isinstance(event, NoteEvent) else "Push Hook"


def signature(secret: str, timestamp: str) -> str:
    """Return the token of a hook in sign mode. It covers the timestamp and the secret, but not the body."""
    digest = hmac.new(secret.encode(), f"{timestamp}\n{secret}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def time(moment: datetime | None) -> str | None:
    """Return a time in Gitee's format: ISO 8601, whole seconds, +08:00."""
    return moment.isoformat(timespec="seconds") if moment else None


class Payloads:
    """Creates bodies with the URLs of one Gitee."""

    def __init__(self, world: World, url: str) -> None:
        self._world = world
        self._url = url

    def body(self, event: Event, hook: Hook, timestamp: str) -> Json:
        """Return the body of a delivery."""
        token = signature(hook.secret, timestamp) if hook.mode == "sign" else ""
        repository = self._repository(event.repository)
        return {
            **self._of_event(event),
            "hook_id": hook.id,
            "hook_name": HOOK_NAMES[event_name(event)],
            "hook_url": f"{self._url}/{event.repository.full_name}/hooks/{hook.id}/edit",
            "timestamp": timestamp,
            "password": hook.secret if hook.mode == "password" else "",
            "sign": token,
            "repository": repository,
            "project": repository,
            "sender": self._user(event.actor),
            "enterprise": None,
            "push_data": None,
        }

    def ping(self, hook: Hook, timestamp: str) -> Json:
        """Return the body of the test delivery, which is a push to another repository, as on Gitee."""
        moment = datetime(2018, 2, 5, 23, 46, 46, tzinfo=CHINA)
        robot = User(1, "robot", "robot", "", moment)
        project = Repository(
            id=120_249, owner="oschina", path="gitee", name="Gitee", private=False, default_branch="master",
            created_at=moment, updated_at=moment, pushed_at=moment,
        )  # fmt: skip
        before, after = "fb32ef5812dc132ece716a05c50c7531c6dc1b4d", "ac63b9ba95191a1bf79d60bc262851a66c12cda1"
        body = self.body(PushEvent(project, robot, "refs/heads/test_version", before, after), hook, timestamp)
        own = next(one for one in self._world.repositories.values() if hook in one.hooks)
        return {**body, "hook_url": f"{self._url}/{own.full_name}/hooks/{hook.id}/edit"}

    def _of_event(self, event: Event) -> Json:
        if isinstance(event, PullEvent):
            return self._pull_event(event)
        return self._note_event(event) if isinstance(event, NoteEvent) else self._push_event(event)

    def _pull_event(self, event: PullEvent) -> Json:
        pull = event.pull
        body = self._pull(pull)
        base = self._repository(pull.repository)
        head = self._repository(pull.head_repository)
        return {
            "action": event.action,
            "action_desc": event.action_desc,
            "number": pull.number,
            "iid": pull.number,
            "title": pull.title,
            "body": pull.body,
            "state": pull.state,
            "merge_status": body["merge_status"],
            "merge_commit_sha": body["merge_commit_sha"],
            "url": body["html_url"],
            "source_branch": pull.head_branch,
            "target_branch": pull.base_branch,
            "source_repo": {"project": head, "repository": head},
            "target_repo": {"project": base, "repository": base},
            "pull_request": body,
            "author": self._user(pull.author),
            "updated_by": self._user(pull.updated_by),
            "target_user": None,
            "languages": [],
        }

    def _note_event(self, event: NoteEvent) -> Json:
        comment = event.comment
        body = self._comment(comment)
        return {
            "action": event.action,
            "noteable_type": "PullRequest",
            "noteable_id": comment.pull.id,
            "per_iid": f"!{comment.pull.number}",
            "note": comment.body,
            "title": comment.pull.title,
            "url": body["html_url"],
            "short_commit_id": comment.commit_id[:7] if comment.commit_id else None,
            "comment": body,
            "pull_request": self._pull(comment.pull),
            "issue": None,
            "author": self._user(comment.author),
        }

    def _push_event(self, event: PushEvent) -> Json:
        commits = [self._commit(event.repository, commit) for commit in event.commits]
        pusher = self._pusher(event.actor)
        compare = f"{self._url}/{event.repository.full_name}/compare/{event.before}...{event.after}"
        return {
            "ref": event.ref,
            "before": event.before,
            "after": event.after,
            "created": event.before == ZERO,
            "deleted": event.after == ZERO,
            "compare": compare,
            "commits": commits,
            "commits_more_than_ten": False,
            "total_commits_count": len(commits),
            "head_commit": commits[-1] if commits else None,
            "pusher": pusher,
            "user": pusher,
            "user_id": event.actor.id,
            "user_name": event.actor.login,
        }

    def _user(self, user: User) -> Json:
        return {
            "id": user.id,
            "login": user.login,
            "username": user.login,
            "user_name": user.login,
            "name": user.name,
            "email": user.email,
            "remark": None,
            "html_url": f"{self._url}/{user.login}",
            "url": f"{self._url}/{user.login}",
            "avatar_url": f"{self._url}/-/avatars/{user.login}.svg",
            "type": "User",
            "site_admin": False,
        }

    def _pusher(self, user: User) -> Json:
        wanted = ("email", "id", "name", "url", "user_name", "username")
        return {key: self._user(user)[key] for key in wanted}

    def _owner(self, repository: Repository) -> Json | None:
        user = self._world.owner(repository)
        return self._user(user) if user else None

    def _repository(self, repository: Repository | None) -> Json | None:
        if repository is None:
            return None
        web = f"{self._url}/{repository.full_name}"
        forks = [other for other in self._world.repositories.values() if other.parent is repository]
        return {
            "id": repository.id,
            "name": repository.name,
            "path": repository.path,
            "namespace": repository.owner,
            "full_name": repository.full_name,
            "path_with_namespace": repository.full_name,
            "name_with_namespace": f"{repository.owner}/{repository.name}",
            "owner": self._owner(repository),
            "private": repository.private,
            "fork": repository.parent is not None,
            "description": repository.description,
            "default_branch": repository.default_branch,
            "html_url": web,
            "url": web,
            "homepage": web,
            "clone_url": f"{web}.git",
            "git_http_url": f"{web}.git",
            "git_url": f"{web}.git",
            "ssh_url": f"git@localhost:{repository.full_name}.git",
            "git_ssh_url": f"git@localhost:{repository.full_name}.git",
            "svn_url": web,
            "git_svn_url": web,
            "created_at": time(repository.created_at),
            "updated_at": time(repository.updated_at),
            "pushed_at": time(repository.pushed_at),
            "forks_count": len(forks),
            "stargazers_count": 0,
            "watchers_count": 1,
            "open_issues_count": 0,
            "has_issues": True,
            "has_pages": False,
            "has_wiki": True,
            "language": None,
            "license": None,
        }

    def _pull(self, pull: Pull) -> Json:
        web = f"{self._url}/{pull.repository.full_name}/pulls/{pull.number}"
        facts = pull.facts
        return {
            "id": pull.id,
            "number": pull.number,
            "title": pull.title,
            "body": pull.body,
            "state": pull.state,
            "html_url": web,
            "diff_url": f"{web}.diff",
            "patch_url": f"{web}.patch",
            "merged": pull.state == "merged",
            "mergeable": facts.mergeable,
            "merge_status": "can_be_merged" if facts.mergeable else "can_be_resolve",
            "merge_commit_sha": facts.merge_commit_sha,
            "merge_reference_name": f"refs/pull/{pull.number}/MERGE",
            "commits": facts.commits,
            "additions": facts.additions,
            "deletions": facts.deletions,
            "changed_files": facts.changed_files,
            "comments": len(pull.visible_comments),
            "labels": [_label(label) for label in pull.labels],
            "stale_labels": [_label(label) for label in pull.stale_labels],
            "user": self._user(pull.author),
            "assignee": self._user(pull.assignees[0]) if pull.assignees else None,
            "assignees": [self._user(user) for user in pull.assignees],
            "tester": self._user(pull.testers[0]) if pull.testers else None,
            "testers": [self._user(user) for user in pull.testers],
            "need_review": bool(pull.assignees),
            "need_test": bool(pull.testers),
            "milestone": None,
            "issues": [],
            "stale_issues": [],
            "languages": [],
            "created_at": time(pull.created_at),
            "updated_at": time(pull.updated_at),
            "closed_at": time(pull.closed_at),
            "merged_at": time(pull.merged_at),
            "updated_by": self._user(pull.updated_by),
            "head": self._end(pull.head_repository, pull.head_branch, pull.head_sha, pull.author),
            "base": self._end(pull.repository, pull.base_branch, pull.base_sha, None),
        }

    def _end(self, repository: Repository | None, branch: str, sha: str, user: User | None) -> Json:
        """Return head or base of a pull request. The label shows the owner, as on Gitee."""
        shown = repository.owner if repository else (user.login if user else "")
        owner = self._world.owner(repository) if repository else None
        who = user or owner
        return {
            "label": f"{shown}:{branch}",
            "ref": branch,
            "sha": sha,
            "user": self._user(who) if who else None,
            "repo": self._repository(repository),
        }

    def _comment(self, comment: Comment) -> Json:
        pull = comment.pull
        body = {
            "id": comment.id,
            "body": comment.body,
            "user": self._user(comment.author),
            "created_at": time(comment.created_at),
            "updated_at": time(comment.updated_at),
            "html_url": f"{self._url}/{pull.repository.full_name}/pulls/{pull.number}#note_{comment.id}",
        }
        if comment.position is None:
            return body
        return {**body, "position": comment.position, "commit_id": comment.commit_id, "path": comment.path}

    def _commit(self, repository: Repository, commit: PushedCommit) -> Json:
        author = {
            "email": commit.author_email,
            "id": None,
            "name": commit.author_name,
            "remark": None,
            "time": commit.time,
            "url": None,
            "user": None,
            "user_name": commit.author_name,
            "username": commit.author_name,
        }
        return {
            "id": commit.sha,
            "tree_id": commit.tree,
            "parent_ids": list(commit.parents),
            "message": commit.message,
            "timestamp": commit.time,
            "url": f"{self._url}/{repository.full_name}/commit/{commit.sha}",
            "author": author,
            "committer": {**author, "time": None},
            "distinct": True,
            "added": list(commit.added),
            "removed": list(commit.removed),
            "modified": list(commit.modified),
        }


def _label(label: Label) -> Json:
    return {"id": label.id, "name": label.name, "color": label.color}
