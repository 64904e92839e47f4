"""Decodes the files that the bot reads from repositories."""

from bot.pipeline import messages
from bot.pipeline.yaml_messages import NOT_UTF8
from bot.pipeline.yaml_tree import Mark, YamlError, mark_after

MAX_BYTES = 64 << 10


def decoded(content: bytes) -> str:
    """Return the text of a file with Unix line ends. Raises YamlError if it is too large or not UTF-8."""
    if len(content) > MAX_BYTES:
        raise YamlError(Mark(1, 1), messages.TOO_LARGE)
    try:
        # Without this, columns and excerpts would differ from what editors show for Windows line ends.
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise YamlError(mark_after(content[: error.start].decode("utf-8", "replace")), NOT_UTF8) from error
