"""Where images are pushed: one module per kind of registry."""
