"""Jobs in Jenkins: started once, followed wherever they stand, stopped when asked.

Apart from the other runners, since a job is neither a builder nor a platform. Jenkins' API is described at
https://www.jenkins.io/doc/book/using/remote-access-api/; what that page leaves out was read in the sources of
jenkinsci/jenkins and stapler.
"""
