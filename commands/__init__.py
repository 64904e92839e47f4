"""The slash-commands: one module each, with one value named `command`."""
