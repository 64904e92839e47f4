"""The pages of the offline Gitee."""
