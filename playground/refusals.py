"""Errors of the offline Gitee, which API, pages and git each present in their own way."""


class ForgeRefusedError(Exception):
    """An action that Gitee rejects with an HTTP error.

    `status` is the HTTP status, `message` the `message` field of the response.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


def bad_request(message: str) -> ForgeRefusedError:
    """Return the error for a missing or invalid parameter."""
    return ForgeRefusedError(400, message)


def unauthenticated() -> ForgeRefusedError:
    """Return the error for an unknown token, or for a missing one."""
    return ForgeRefusedError(401, "401 Unauthorized: Access token does not exist")


def forbidden(message: str = "403 Forbidden") -> ForgeRefusedError:
    """Return the error for a user without permission."""
    return ForgeRefusedError(403, message)


def project_not_found() -> ForgeRefusedError:
    """Return the error for a repository that does not exist, or that the user may not see."""
    return ForgeRefusedError(404, "404 Project Not Found")


def not_found(what: str = "404 Not Found") -> ForgeRefusedError:
    """Return the error for something that does not exist in a repository."""
    return ForgeRefusedError(404, what)


def not_allowed(message: str) -> ForgeRefusedError:
    """Return the error for a merge whose conditions are not met."""
    return ForgeRefusedError(405, message)


def invalid(message: str) -> ForgeRefusedError:
    """Return the error for a value that has the right type but breaks a rule."""
    return ForgeRefusedError(422, message)
