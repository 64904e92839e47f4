"""Why the offline Gitee says no; apart so that API, pages and git can each word it in their own way."""


class RefusedError(Exception):
    """An action that Gitee would answer with an HTTP error.

    `status` is the HTTP status, `message` the text of the answer's `message` field.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


def bad_request(message: str) -> RefusedError:
    """Refuse: a parameter is missing or makes no sense."""
    return RefusedError(400, message)


def unauthenticated() -> RefusedError:
    """Refuse: a token was given and is unknown, or one is needed and none was given."""
    return RefusedError(401, "401 Unauthorized: Access token does not exist")


def forbidden(message: str = "403 Forbidden") -> RefusedError:
    """Refuse: the person is known and may not do this."""
    return RefusedError(403, message)


def project_not_found() -> RefusedError:
    """Refuse: no such repository, or a private one that the person may not see. Gitee does not tell which."""
    return RefusedError(404, "404 Project Not Found")


def not_found(what: str = "404 Not Found") -> RefusedError:
    """Refuse: something inside a repository does not exist."""
    return RefusedError(404, what)


def not_allowed(message: str) -> RefusedError:
    """Refuse: a merge whose conditions are not met."""
    return RefusedError(405, message)


def invalid(message: str) -> RefusedError:
    """Refuse: a value is of the right type and breaks a rule."""
    return RefusedError(422, message)
