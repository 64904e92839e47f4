"""HTML pages: runs, pull requests, environments, commands, logs and reports."""
