"""The processes in which hostile input is read."""
