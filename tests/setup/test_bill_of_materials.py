"""The bill of materials has the Python packages and those of Debian."""

from tools.bill_of_materials import with_debian


def test_debian_packages_are_added_as_components() -> None:
    python = {"type": "library", "name": "aiohttp", "version": "3.14.5"}

    bill = with_debian({"bomFormat": "CycloneDX", "components": [python]}, ["g++ 4:12.2.0-3 amd64\n"])

    url = "pkg:deb/debian/g%2B%2B@4%3A12.2.0-3?arch=amd64"
    assert bill == {
        "bomFormat": "CycloneDX",
        "components": [
            python,
            {"type": "library", "name": "g++", "version": "4:12.2.0-3", "purl": url, "bom-ref": url},
        ],
    }
