"""Makes the Dockerfile that was checked the one that is built."""

import io
import tarfile

from bot.ports import BuildOrder

_MODE = 0o664


def place(order: BuildOrder) -> None:
    """Append the checked text to the context's tar, unless the tar has exactly that file.

    The two differ where the commit has a link in its place, or attributes by which git recodes it. Of two
    members of one name, the later one counts.
    """
    if order.text is None:
        return
    with tarfile.open(order.context) as tar:
        found = next((member for member in tar if member.name.removeprefix("./") == order.dockerfile), None)
        content = tar.extractfile(found) if found is not None and found.isreg() else None
        if content is not None and content.read(len(order.text) + 1) == order.text:
            return
    member = tarfile.TarInfo(order.dockerfile)
    member.size, member.mode = len(order.text), _MODE
    with tarfile.open(order.context, "a", format=tarfile.GNU_FORMAT) as tar:
        tar.addfile(member, io.BytesIO(order.text))
