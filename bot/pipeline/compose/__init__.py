"""Converts a Compose file into what `.chatops.yml` can say, with line and column of each problem. Pure."""
