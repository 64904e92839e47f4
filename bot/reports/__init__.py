"""Step logs and test reports as files, where the web finds them."""
