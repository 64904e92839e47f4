"""Unpacks a commit's tar, because `buildctl` needs a folder."""

import os
import shutil
import tarfile
from pathlib import Path, PurePosixPath


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a tar; members that a commit cannot contain, or that would be placed outside, are skipped."""
    folder.mkdir()
    with tarfile.open(archive) as tar:
        members = [member for member in tar if _inside(member.name)]
        # Links come last, so that nothing is written through them. Only the build follows them.
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
