"""A deterministic simulation of several replicas: see `docs/reliability.md`."""
