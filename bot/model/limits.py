"""Limits of a call in the sandbox, which reads what a pull request wrote."""

from dataclasses import dataclass

MOST_MEMORY = 1 << 30
"""Bytes that no call may exceed; the memory limit of the bot's pod counts on it."""


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """What one call in the sandbox may take."""

    seconds: int
    """Processor time, the start of the interpreter included."""
    memory: int = 512 << 20
    """Bytes of address space."""
    output: int = 16 << 20
    """Bytes of the result, and of any file that the function writes."""
    inline: int = 0
    """Bytes of arguments that the caller's process reads itself, because even the worst of them take less
    than 50 ms of processor time."""

    def __post_init__(self) -> None:
        """Raise ValueError for more memory than a call may take."""
        if self.memory > MOST_MEMORY:
            raise ValueError(f"{self.memory} bytes are more than a call may take")


class LimitError(Exception):
    """The processor time is used up; raised in the middle of the function, which has a moment to finish."""
