"""The commands that prepare an environment, as people read them."""

from bot.model.shortening import shortened

LONGEST = 80
"""Characters of a command in a sentence."""


def title(command: str) -> str:
    """Return a command as one short line: its first line that is not empty.

    >>> title("python manage.py migrate")
    'python manage.py migrate'
    """
    first, *rest = [" ".join(line.split()) for line in command.splitlines() if line.strip()] or [""]
    return shortened(f"{first} …" if rest else first, LONGEST)
