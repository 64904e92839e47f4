"""Tests of the conversion of Compose files."""
