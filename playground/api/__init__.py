"""API v5 of the offline Gitee, one module per chapter of the published description."""
