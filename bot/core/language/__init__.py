"""The command language: from the text of a comment to commands with typed arguments."""
