"""The last lines of a program's output, which is hostile: few and short, whatever it wrote."""

MOST = 60
_WIDEST = 500
_LONGEST = 1 << 16


def last_lines(output: str) -> list[str]:
    """Return the last lines that are not blank, each cut to 500 characters."""
    lines = (line.rstrip()[:_WIDEST] for line in output[-_LONGEST:].splitlines())
    return [line for line in lines if line][-MOST:]
