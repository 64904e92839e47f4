"""The words that comments, pages and reports share, in both languages; pure."""
