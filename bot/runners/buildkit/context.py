"""A commit's tree as a folder, for `buildctl` takes no tar."""

import os
import shutil
import tarfile
from pathlib import Path, PurePosixPath


def unpack(archive: Path, folder: Path) -> None:
    """Unpack the tar of a commit; what has no place in one, or would land outside, is left out."""
    folder.mkdir()
    with tarfile.open(archive) as tar:
        members = [member for member in tar if _inside(member.name)]
        # Links come last, so that nothing is written through one; where they lead is the image's business.
        for member in sorted(members, key=tarfile.TarInfo.issym):
            _place(tar, member, folder / member.name)


def _place(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    content = tar.extractfile(member) if member.isreg() else None
    if content is not None:
        with target.open("wb") as file:
            shutil.copyfileobj(content, file)
        target.chmod(member.mode & 0o777)
    elif member.issym() and not os.path.lexists(target):
        target.symlink_to(member.linkname)


def _inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts
