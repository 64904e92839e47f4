# The bot's own image. Any Python 3.11+ image on Debian will do as its base:
#   docker build -t gitee-chatops .
# Its digest is that of Python 3.11.16 on Debian 12; `make pin-base` writes the newest.
# Without network: put wheels into ./wheels, take a base that holds git and CA certificates, and add
#   --build-arg BASE_IMAGE=… --build-arg PIP_ARGS="--no-index --find-links=/src/wheels"
#
# To let it drive the engine of its host:
#   docker run -v /var/run/docker.sock:/var/run/docker.sock --group-add "$(stat -c %g /var/run/docker.sock)" …
ARG BASE_IMAGE=python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b

FROM ${BASE_IMAGE} AS build
ARG PIP_ARGS=
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python3 -m venv --without-pip /opt/chatops && python3 -m venv --without-pip /opt/build
# The second pattern matches nothing where there are no wheels; COPY is content with the first.
COPY requirements.lock requirements-build.lock wheel[s]/*.whl wheels/
RUN python3 -m pip --python /opt/chatops/bin/python install --require-hashes ${PIP_ARGS} -r wheels/requirements.lock \
 && python3 -m pip --python /opt/build/bin/python install --require-hashes ${PIP_ARGS} -r wheels/requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY commands commands
COPY comment_templates comment_templates
RUN python3 -m pip --python /opt/build/bin/python wheel --no-deps --no-build-isolation --wheel-dir /dist . \
 && python3 -m pip --python /opt/chatops/bin/python install --no-deps --no-index /dist/*.whl

FROM ${BASE_IMAGE} AS runtime
RUN command -v git >/dev/null && [ -s /etc/ssl/certs/ca-certificates.crt ] || { \
      apt-get update \
      && apt-get install -y --no-install-recommends git ca-certificates \
      && rm -rf /var/lib/apt/lists/*; }
# Written by hand: not every base has useradd.
RUN echo 'chatops:x:10001:10001:gitee-chatops:/data:/bin/false' >> /etc/passwd \
 && echo 'chatops:x:10001:' >> /etc/group \
 && mkdir /data && chown 10001:10001 /data
COPY --from=build /opt/chatops /opt/chatops
ENV PATH=/opt/chatops/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CHATOPS_SERVER__HOST=0.0.0.0 \
    CHATOPS_SERVER__DATA_DIR=/data
WORKDIR /data
VOLUME /data
USER 10001:10001
# The bot, and the proxy to the previews. Another port than 8080 is best set as CHATOPS_SERVER__PORT: the health
# check reads it there.
EXPOSE 8080 8081
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('CHATOPS_SERVER__PORT', 8080)}/healthz\", timeout=4).close()"]
ENTRYPOINT ["chatops"]
CMD ["serve"]
