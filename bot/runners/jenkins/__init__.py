"""The Jenkins runner: starts each job once, follows it through restarts, and stops it on request.

It implements `ports.Jobs`, because a Jenkins job is neither a builder nor a platform. Jenkins' API is
described at https://www.jenkins.io/doc/book/using/remote-access-api/; further details come from the sources
of jenkinsci/jenkins and stapler.
"""
