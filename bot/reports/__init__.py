"""Step logs and test reports as files that pages read."""
