"""Reads and checks `.chatops.yml`, with line and column of each problem; its JSON Schema. Pure."""
