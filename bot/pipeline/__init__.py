"""Reading `.chatops.yml`: syntax, checks with line and column, JSON Schema. No I/O."""
