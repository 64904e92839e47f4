"""What listens: webhook intake, JSON API, pages for people, metrics and the preview proxy."""
