"""An offline Gitee and Jenkins, for `chatops playground` and for tests."""
