"""The offline Gitee in a browser: what a person sees and can do there."""
