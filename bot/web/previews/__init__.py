"""The proxy in front of preview environments."""
