"""The HTTP servers: webhook intake, JSON API, pages, monitoring and the preview proxy."""
