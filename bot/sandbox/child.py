"""The sandbox's process: calls one function, with the limits of its command line.

It reads the function and its arguments from standard input, and writes the result to standard output; both
are files. It imports only what the function needs, so that it starts quickly.
"""

import contextlib
import pickle
import resource
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

VALUE, RAISED, BUG = "value", "raised", "bug"
EXHAUSTED = 3
"""Exit code if a limit was reached."""
GRACE = 2
"""Seconds of processor time in which a function that was interrupted can return what it has."""
FILES = 32


def main(arguments: list[str]) -> None:
    """Call the function."""
    seconds, memory, output = map(int, arguments)
    _limit(seconds, memory, output)
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    try:
        answer = _called()
        pickle.dump(answer, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except (MemoryError, OSError):
        sys.exit(EXHAUSTED)


def _called() -> tuple[str, Any]:
    from bot.model.limits import LimitError  # noqa: PLC0415 - only now it can be found

    def out_of_time(_: int, __: FrameType | None) -> None:
        signal.signal(signal.SIGXCPU, signal.SIG_IGN)
        raise LimitError

    signal.signal(signal.SIGXCPU, out_of_time)
    try:
        function, args, kwargs = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by the bot itself
        return VALUE, function(*args, **kwargs)
    except LimitError:
        raise MemoryError from None
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the bot reports it
        own = type(error).__module__.startswith("bot.")
        return (RAISED, error) if own else (BUG, traceback.format_exc())


def _limit(seconds: int, memory: int, output: int) -> None:
    # Where memory is short, the kernel ends this process and not the bot.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    limits = {
        resource.RLIMIT_CPU: (seconds, seconds + GRACE),
        resource.RLIMIT_AS: (memory, memory),
        resource.RLIMIT_NOFILE: (FILES, FILES),
        resource.RLIMIT_FSIZE: (output, output),
        resource.RLIMIT_CORE: (0, 0),
    }
    for kind, values in limits.items():
        resource.setrlimit(kind, values)


if __name__ == "__main__":
    main(sys.argv[1:])
