"""A Dockerfile with a service and its tests, `check.py`, for tests that bring their own checks."""

DOCKERFILE = """\
FROM chatops-demo-base:3.11 AS runtime
RUN mkdir /www && echo hello > /www/index.html
EXPOSE 8080
CMD ["python3", "-m", "http.server", "8080", "--directory", "/www"]
FROM runtime AS test
RUN mkdir /reports
VOLUME /reports
COPY check.py /check.py
CMD ["python3", "/check.py"]
"""
