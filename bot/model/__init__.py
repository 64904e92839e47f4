"""Frozen values that all rooms exchange; they import only each other and the standard library."""
