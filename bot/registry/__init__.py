"""The registries that images are pushed to: one module for each kind."""
