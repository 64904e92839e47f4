"""Who asks, and whether a change is protected against forgery: API tokens need no crumb, passwords do.

https://www.jenkins.io/doc/book/security/csrf-protection/ tells of crumbs.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from aiohttp import web

from playground.jenkins.pages import page
from playground.jenkins.state import Job, Permission, User

CRUMB = "Jenkins-Crumb"
SESSION = "JSESSIONID.1a2b3c4d"
ANONYMOUS = "anonymous"


class JenkinsRefusedError(Exception):
    """The answer that a request gets instead of what it asked for."""

    def __init__(self, response: web.Response) -> None:
        self.response = response
        super().__init__(response.status)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    name: str
    by_token: bool
    session: str


@dataclass(slots=True)
class AccessControl:
    """Accounts and sessions."""

    users: dict[str, User] = field(default_factory=dict)
    anyone_reads: bool = False
    """Whether people who are not known may look at everything."""
    _salt: str = field(default_factory=secrets.token_hex)

    def caller(self, request: web.Request) -> Caller:
        """Return who asks. Raises JenkinsRefusedError(401) for wrong credentials."""
        session = request.cookies.get(SESSION, "")
        header = request.headers.get("Authorization", "")
        if not header:
            return Caller(ANONYMOUS, by_token=False, session=session)
        name, _, secret = _decoded(header).partition(":")
        user = self.users.get(name)
        if user is None or not _same(secret, user.token, user.password):
            raise JenkinsRefusedError(page(401, "Unauthorized", f"Invalid password/token for user: {name}"))
        return Caller(name, by_token=_same(secret, user.token), session=session)

    def crumb(self, caller: Caller) -> str:
        """Return the crumb of a caller's session."""
        return hashlib.sha256(f"{caller.name};{caller.session};{self._salt}".encode()).hexdigest()

    def require_crumb(self, request: web.Request, caller: Caller) -> None:
        """Raise JenkinsRefusedError(403) for a change without a crumb, where one is needed."""
        if caller.by_token:
            return
        given = request.headers.get(CRUMB, "")
        if not caller.session or not hmac.compare_digest(given, self.crumb(caller)):
            raise JenkinsRefusedError(page(403, "Forbidden", "No valid crumb was included in the request"))

    def require(self, caller: Caller, job: Job, permission: Permission) -> None:
        """Raise JenkinsRefusedError where a caller may not do this; who may not read is told of nothing."""
        if caller.name == ANONYMOUS and not (self.anyone_reads and permission == "Read"):
            raise JenkinsRefusedError(denied(caller, "hudson.model.Hudson.Read"))
        if not job.allows(caller.name, "Read"):
            raise JenkinsRefusedError(page(404, "Not Found", "Not Found"))
        if not job.allows(caller.name, permission):
            raise JenkinsRefusedError(denied(caller, f"hudson.model.Item.{permission}"))


def denied(caller: Caller, permission: str) -> web.Response:
    """Return Jenkins' refusal, which names the missing permission in a header."""
    words = f"{caller.name} is missing the {permission.rpartition('.')[2]} permission"
    answer = page(403, "Forbidden", words)
    answer.headers["X-You-Are-Authenticated-As"] = caller.name
    answer.headers["X-Required-Permission"] = permission
    return answer


def _decoded(header: str) -> str:
    try:
        return base64.b64decode(header.removeprefix("Basic ")).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _same(given: str, *known: str) -> bool:
    return any(secret and hmac.compare_digest(given.encode(), secret.encode()) for secret in known)
