"""Frozen values that all packages exchange; they import only each other and the standard library."""
