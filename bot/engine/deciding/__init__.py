"""From a stored delivery to a committed decision."""
