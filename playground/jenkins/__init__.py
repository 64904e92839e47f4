"""A stateful Jenkins over real HTTP: queue, executors, consoles and results, for tests and the playground.

Its manners are those of jenkinsci/jenkins, stapler, workflow-job-plugin and junit-plugin, read in their
sources; https://www.jenkins.io/doc/book/using/remote-access-api/ describes the API.
"""
