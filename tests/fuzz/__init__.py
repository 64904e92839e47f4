"""Fuzzing of what reads hostile bytes: targets, their corpora, and the run of atheris over them."""
