"""The secrets of the operator, read from where `chatops.toml` says."""
