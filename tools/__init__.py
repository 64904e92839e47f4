"""Generators of documentation. Not part of the distribution."""
