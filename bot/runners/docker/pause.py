"""The smallest program that does nothing until it is killed, for containers that only hold a volume.

It is written here as machine code, because no image that an engine has is sure to contain such a program.
"""

import struct

_AMD64 = bytes.fromhex(
    "b822000000"  # mov eax, 34: pause
    "0f05"  # syscall
    "ebf7"  # jmp to the beginning
)
_ARM64 = bytes.fromhex(
    "000080d2"  # mov x0, 0
    "010080d2"  # mov x1, 0
    "020080d2"  # mov x2, 0: no timeout
    "030080d2"  # mov x3, 0
    "280980d2"  # mov x8, 73: ppoll
    "010000d4"  # svc 0
    "faffff17"  # b to the beginning
)
_PROGRAMS = {"amd64": (62, _AMD64), "arm64": (183, _ARM64)}
"""By the engine's name of the architecture: its number in ELF files, and the code."""

_ADDRESS = 0x400000
_HEADERS = 64 + 56
_LOAD, _READ_EXECUTE = 1, 5
_PAGE = 0x1000


def program(architecture: str) -> bytes | None:
    """Return the program as a static ELF file, None for an architecture that it is not written for.

    https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html
    """
    if architecture not in _PROGRAMS:
        return None
    machine, code = _PROGRAMS[architecture]
    size = _HEADERS + len(code)
    identity = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)  # 64 bits, little endian, version 1
    kind, version, flags, sections = 2, 1, 0, 0
    start = _ADDRESS + _HEADERS
    header = struct.pack(
        "<HHIQQQIHHHHHH", kind, machine, version, start, 64, sections, flags, 64, 56, 1, 0, 0, 0
    )
    segment = struct.pack("<IIQQQQQQ", _LOAD, _READ_EXECUTE, 0, _ADDRESS, _ADDRESS, size, size, _PAGE)
    return identity + header + segment + code
