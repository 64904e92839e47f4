"""API v5 of the offline Gitee, one module for each chapter of Gitee's documentation."""
