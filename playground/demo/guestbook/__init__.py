"""A guest book: people leave a line, everybody reads it."""
