"""Which audit records an action leaves, and how they are written out."""
