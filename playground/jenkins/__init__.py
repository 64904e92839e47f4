"""An offline Jenkins with an HTTP server: queue, executors, consoles and results.

It behaves as jenkinsci/jenkins, stapler, workflow-job-plugin and junit-plugin do, according to their sources.
https://www.jenkins.io/doc/book/using/remote-access-api/ describes the API.
"""
