"""Adds the Debian packages of an image to a CycloneDX bill of materials: `… BILL.json < dpkg-query's lines`.

Each line is a package's name, version and architecture. Names of packages as URLs:
https://github.com/package-url/purl-spec
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote


def debian_components(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    """Yield a component of each package."""
    for line in lines:
        name, version, architecture = line.split()
        url = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={architecture}"
        yield {"type": "library", "name": name, "version": version, "purl": url, "bom-ref": url}


def with_debian(bill: dict[str, Any], lines: Iterable[str]) -> dict[str, Any]:
    """Return the bill with these packages after its own components."""
    return {**bill, "components": [*bill.get("components", []), *debian_components(lines)]}


def main(file: Path) -> None:
    """Rewrite the file with the packages on standard input, and report the number of components."""
    bill = with_debian(json.loads(file.read_text()), sys.stdin)
    file.write_text(json.dumps(bill, indent=2) + "\n")
    sys.stdout.write(f"{file}: {len(bill['components'])} components\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
