"""Keeps other accounts of the machine from reading what the bot stores."""

import logging
import stat
from pathlib import Path

logger = logging.getLogger(__name__)

FILE = 0o640
FOLDER = 0o750


def restrict(path: Path, most: int) -> None:
    """Remove the permissions of an existing file or folder beyond `most`; log it if that is not possible.

    A folder with the sticky bit, such as /tmp, is shared on purpose and stays as it is.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o777 & ~most and not mode & stat.S_ISVTX:
            path.chmod(mode & (~0o777 | most))
    except FileNotFoundError:
        return
    except OSError as error:
        logger.warning(
            "other accounts may have access to %s: %s; run `chmod %o %s`", path, error.strerror, most, path
        )
