"""Chooses the language of a page: pure."""

from bot.model.text import Language

COOKIE = "lang"


def choose(asked: str, cookie: str, accept: str, default: Language) -> Language:
    """Return the first of: `?lang=`, the cookie, the best of Accept-Language, the operator's default."""
    for wish in (asked, cookie):
        if wish in set(Language):
            return Language(wish)
    return _accepted(accept) or default


def _accepted(accept: str) -> Language | None:
    wishes: list[tuple[float, int, Language]] = []
    for position, item in enumerate(accept.split(",")[:20]):
        tag, _, parameter = item.partition(";")
        code = tag.strip().lower().partition("-")[0]
        if code in set(Language):
            wishes.append((-_quality(parameter), position, Language(code)))
    return min(wishes)[2] if wishes and min(wishes)[0] < 0 else None


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0
