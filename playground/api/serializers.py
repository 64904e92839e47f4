"""JSON of the API. Recorded responses take precedence over Gitee's documentation."""

from typing import Any

from playground.payloads import time
from playground.state import CheckRun, Comment, Hook, Label, LogEntry, Pull, Repository, User, World

Json = dict[str, Any]

_USER_LINKS = {
    "followers_url": "/followers",
    "following_url": "/following_url{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
_REPOSITORY_LINKS = {
    "forks_url": "/forks",
    "keys_url": "/keys{/key_id}",
    "collaborators_url": "/collaborators{/collaborator}",
    "hooks_url": "/hooks",
    "branches_url": "/branches{/branch}",
    "tags_url": "/tags",
    "blobs_url": "/blobs{/sha}",
    "stargazers_url": "/stargazers",
    "contributors_url": "/contributors",
    "commits_url": "/commits{/sha}",
    "comments_url": "/comments{/number}",
    "issue_comment_url": "/issues/comments{/number}",
    "issues_url": "/issues{/number}",
    "pulls_url": "/pulls{/number}",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "labels_url": "/labels{/name}",
    "releases_url": "/releases{/id}",
}


class ApiSerializer:
    """Creates JSON objects with the URLs of one Gitee."""

    def __init__(self, world: World, url: str) -> None:
        self.world = world
        self.web = url
        self.api = f"{url}/api/v5"

    def user(self, user: User) -> Json:
        """Return a user as part of another object."""
        api = f"{self.api}/users/{user.login}"
        return {
            "id": user.id,
            "login": user.login,
            "name": user.name,
            "avatar_url": f"{self.web}/-/avatars/{user.login}.svg",
            "url": api,
            "html_url": f"{self.web}/{user.login}",
            "remark": "",
            **{key: api + path for key, path in _USER_LINKS.items()},
            "type": "User",
        }

    def user_detail(self, user: User) -> Json:
        """Return a user with details."""
        own = [one for one in self.world.repositories.values() if self.world.owner(one) is user]
        return {
            **self.user(user),
            "blog": None,
            "weibo": None,
            "bio": "",
            "public_repos": sum(not one.private for one in own),
            "public_gists": 0,
            "followers": 0,
            "following": 0,
            "stared": 0,
            "watched": 0,
            "created_at": time(user.created_at),
            "updated_at": time(user.created_at),
            "email": user.email,
        }

    def repository_basic(self, repository: Repository | None) -> Json | None:
        """Return a repository as head or base of a pull request; None for a deleted fork."""
        if repository is None:
            return None
        owner = self.world.owner(repository)
        person = self.user(owner) if owner else None
        personal = self.world.user(repository.owner) is not None
        return {
            "id": repository.id,
            "full_name": repository.full_name,
            "human_name": f"{repository.owner}/{repository.name}",
            "url": f"{self.api}/repos/{repository.full_name}",
            "namespace": {
                "id": repository.id - 10_000_000,
                "type": "personal" if personal else "group",
                "name": repository.owner,
                "path": repository.owner,
                "html_url": f"{self.web}/{repository.owner}",
            },
            "path": repository.path,
            "name": repository.name,
            "owner": person,
            "assigner": person,
            "description": repository.description,
            "private": repository.private,
            "public": not repository.private,
            "internal": False,
            "fork": repository.parent is not None,
            "html_url": f"{self.web}/{repository.full_name}.git",
            "ssh_url": f"git@localhost:{repository.full_name}.git",
        }

    def repository(self, repository: Repository, user: User | None) -> Json:
        """Return a repository with details and the permissions of a user."""
        api = f"{self.api}/repos/{repository.full_name}"
        forks = [one for one in self.world.repositories.values() if one.parent is repository]
        owner = self.world.owner(repository)
        return {
            **(self.repository_basic(repository) or {}),
            **{key: api + path for key, path in _REPOSITORY_LINKS.items()},
            "recommend": False,
            "gvp": False,
            "homepage": f"{self.web}/{repository.full_name}",
            "language": None,
            "forks_count": len(forks),
            "stargazers_count": 0,
            "watchers_count": 1,
            "default_branch": repository.default_branch,
            "open_issues_count": 0,
            "has_issues": True,
            "has_wiki": True,
            "issue_comment": False,
            "can_comment": True,
            "pull_requests_enabled": True,
            "has_page": False,
            "license": None,
            "outsourced": False,
            "project_creator": owner.login if owner else repository.owner,
            "members": sorted(repository.members),
            "pushed_at": time(repository.pushed_at),
            "created_at": time(repository.created_at),
            "updated_at": time(repository.updated_at),
            "parent": self.repository_basic(repository.parent),
            "paas": None,
            "stared": False,
            "watched": False,
            "permission": self.permissions(repository, user),
            "relation": "master" if owner is user else "normal",
            "assignees_number": len(repository.reviewers),
            "testers_number": len(repository.testers),
            "assignee": [self.user(user) for user in repository.reviewers],
            "testers": [self.user(user) for user in repository.testers],
            "status": "开始",
            "empty_repo": False,
            "programs": [],
            "enterprise": None,
        }

    def permissions(self, repository: Repository, user: User | None) -> Json:
        """Return a user's permissions as three flags."""
        return {
            "pull": self.world.may(user, "read", repository),
            "push": self.world.may(user, "write", repository),
            "admin": self.world.may(user, "admin", repository),
        }

    def label(self, repository: Repository, label: Label) -> Json:
        """Return a label."""
        return {
            "id": label.id,
            "color": label.color,
            "name": label.name,
            "repository_id": repository.id,
            "url": f"{self.api}/repos/{repository.full_name}/labels/{label.name}",
            "created_at": time(label.created_at),
            "updated_at": time(label.created_at),
        }

    def hook(self, repository: Repository, hook: Hook) -> Json:
        """Return a webhook, with its password, as Gitee does for administrators."""
        return {
            "id": hook.id,
            "url": hook.url,
            "password": hook.secret,
            "result": hook.result,
            "project_id": repository.id,
            "result_code": hook.result_code,
            "created_at": time(hook.created_at),
            "push_events": hook.push_events,
            "tag_push_events": hook.tag_push_events,
            "issues_events": hook.issues_events,
            "note_events": hook.note_events,
            "merge_requests_events": hook.merge_requests_events,
        }

    def comment(self, comment: Comment) -> Json:
        """Return a comment on a pull request."""
        pull = comment.pull
        api = f"{self.api}/repos/{pull.repository.full_name}/pulls"
        web = f"{self.web}/{pull.repository.full_name}/pulls/{pull.number}#note_{comment.id}"
        return {
            "url": f"{api}/comments/{comment.id}",
            "id": comment.id,
            "path": comment.path,
            "position": comment.position,
            "original_position": comment.position,
            "new_line": comment.position,
            "commit_id": comment.commit_id,
            "original_commit_id": comment.commit_id,
            "user": self.user(comment.author),
            "created_at": time(comment.created_at),
            "updated_at": time(comment.updated_at),
            "body": comment.body,
            "html_url": web,
            "pull_request_url": f"{api}/{pull.number}",
            "_links": {
                "self": {"href": f"{api}/comments/{comment.id}"},
                "html": {"href": web},
                "pull_request": {"href": f"{api}/{pull.number}"},
            },
            "comment_type": "diff_comment" if comment.position else "pr_comment",
            "in_reply_to_id": None,
        }

    def log_entry(self, number: int, entry: LogEntry) -> Json:
        """Return an event of a pull request; `number` is its position in the log."""
        return {
            "id": number,
            "icon": entry.action,
            "user": self.user(entry.by),
            "content": entry.desc or entry.action,
            "created_at": time(entry.at),
            "action_type": entry.desc or entry.action,
        }

    def check_run(self, repository: Repository, run: CheckRun) -> Json:
        """Return a check run. Another route returns its annotations."""
        url = f"{self.api}/repos/{repository.full_name}/check-runs/{run.id}"
        annotations = run.output.get("annotations")
        return {
            "id": run.id,
            "head_sha": run.head_sha,
            "url": url,
            "html_url": f"{self.web}/{repository.full_name}/run?id={run.id}",
            "details_url": run.details_url,
            "status": run.status,
            "conclusion": run.conclusion,
            "started_at": run.started_at,
            "completed_at": run.completed_at,
            "output": {
                "title": run.output.get("title"),
                "summary": run.output.get("summary"),
                "text": run.output.get("text"),
                "annotations_count": len(annotations) if isinstance(annotations, list) else 0,
                "annotations_url": f"{url}/annotations",
            },
            "name": run.name,
        }

    def pull(self, pull: Pull) -> Json:
        """Return a pull request."""
        api = f"{self.api}/repos/{pull.repository.full_name}/pulls"
        web = f"{self.web}/{pull.repository.full_name}/pulls/{pull.number}"
        return {
            "id": pull.id,
            "url": f"{api}/{pull.number}",
            "html_url": web,
            "diff_url": f"{web}.diff",
            "patch_url": f"{web}.patch",
            "issue_url": f"{api}/{pull.number}/issues",
            "commits_url": f"{api}/{pull.number}/commits",
            "review_comments_url": f"{api}/comments/{{/number}}",
            "review_comment_url": f"{api}/comments",
            "comments_url": f"{api}/{pull.number}/comments",
            "number": pull.number,
            "close_related_issue": 0,
            "prune_branch": False,
            "state": pull.state,
            "assignees_number": len(pull.assignees),
            "testers_number": len(pull.testers),
            "assignees": [self._reviewer(user, pull.reviewed_by) for user in pull.assignees],
            "testers": [self._reviewer(user, pull.tested_by) for user in pull.testers],
            "milestone": None,
            "labels": [self.label(pull.repository, label) for label in pull.labels],
            "locked": False,
            "created_at": time(pull.created_at),
            "updated_at": time(pull.updated_at),
            "closed_at": time(pull.closed_at),
            "draft": pull.draft,
            "merged_at": time(pull.merged_at),
            "mergeable": pull.facts.mergeable,
            "can_merge_check": pull.state == "open" and pull.facts.mergeable,
            "_links": _pull_links(api, web, pull.number),
            "user": self.user(pull.author),
            "ref_pull_requests": [],
            "title": pull.title,
            "body": pull.body,
            "head": self._end(pull.head_repository, pull.head_branch, pull.head_sha, pull),
            "base": self._end(pull.repository, pull.base_branch, pull.base_sha, pull),
        }

    def _reviewer(self, user: User, accepted: set[str]) -> Json:
        accept = user.login in accepted
        return {**self.user(user), "assignee": True, "code_owner": False, "accept": accept}

    def _end(self, repository: Repository | None, branch: str, sha: str, pull: Pull) -> Json:
        owner = self.world.owner(repository) if repository else pull.author
        label = f"{repository.owner}:{branch}" if repository and pull.from_fork else branch
        return {
            "label": label,
            "ref": branch,
            "sha": sha,
            "user": self.user(owner) if owner else None,
            "repo": self.repository_basic(repository),
        }


def _pull_links(api: str, web: str, number: int) -> Json:
    links = {
        "self": f"{api}/{number}",
        "html": web,
        "issue": f"{api}/{number}/issues",
        "comments": f"{api}/{number}/comments",
        "review_comments": f"{api}/{number}/comments",
        "review_comment": f"{api}/comments/{number}",
        "commits": f"{api}/{number}/commits",
    }
    return {name: {"href": href} for name, href in links.items()}
