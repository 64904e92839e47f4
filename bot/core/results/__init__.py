"""What builds and tests returned, read within limits, and how it is shown."""
