"""Why the offline Gitee says no; apart so that API, pages and git can each word it in their own way."""


class ForgeRefusedError(Exception):
    """An action that Gitee would answer with an HTTP error.

    `status` is the HTTP status, `message` the text of the answer's `message` field.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


def bad_request(message: str) -> ForgeRefusedError:
    """Refuse: a parameter is missing or makes no sense."""
    return ForgeRefusedError(400, message)


def unauthenticated() -> ForgeRefusedError:
    """Refuse: a token was given and is unknown, or one is needed and none was given."""
    return ForgeRefusedError(401, "401 Unauthorized: Access token does not exist")


def forbidden(message: str = "403 Forbidden") -> ForgeRefusedError:
    """Refuse: the person is known and may not do this."""
    return ForgeRefusedError(403, message)


def project_not_found() -> ForgeRefusedError:
    """Refuse: no such repository, or a private one that the person may not see. Gitee does not tell which."""
    return ForgeRefusedError(404, "404 Project Not Found")


def not_found(what: str = "404 Not Found") -> ForgeRefusedError:
    """Refuse: something inside a repository does not exist."""
    return ForgeRefusedError(404, what)


def not_allowed(message: str) -> ForgeRefusedError:
    """Refuse: a merge whose conditions are not met."""
    return ForgeRefusedError(405, message)


def invalid(message: str) -> ForgeRefusedError:
    """Refuse: a value is of the right type and breaks a rule."""
    return ForgeRefusedError(422, message)
