"""One module per slash-command, each with one value named `command`; a file put here is all that it takes."""
