"""Shortens text that people will read, and marks where, so that `Masker` looks for parts of secrets there."""

CUT = "…"
"""Where a text was cut: at its end, or in its middle."""


def shortened(text: str, most: int) -> str:
    """Return a text of at most `most` characters.

    >>> shortened("a long message", 7)
    'a long…'
    """
    return text if len(text) <= most else text[: most - 1] + CUT


def without_middle(text: str, most: int) -> str:
    """Return a text of at most `most` characters: beginning and end, which are most informative in a trace.

    >>> without_middle("beginning and end", 7)
    'beg…end'
    """
    if len(text) <= most:
        return text
    half = (most - 1) // 2
    return f"{text[:half]}{CUT}{text[-half:]}"
