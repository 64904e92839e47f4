"""Gives one target to atheris (libFuzzer), whose options are the arguments after the target's name."""

import sys

import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore] # installed by `make fuzz`

with atheris.instrument_imports(include=["bot", "markdown_it", "yaml"]):
    from tests.fuzz.targets import TARGETS

if __name__ == "__main__":
    name, *options = sys.argv[1:]
    atheris.Setup([name, *options], TARGETS[name].run)
    atheris.Fuzz()
