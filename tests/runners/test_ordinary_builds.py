"""Ordinary Dockerfiles, which the defences of builds must neither refuse nor change."""

import uuid

import pytest

from tests.attack.build_bench import Bench, bench
from tests.real.fixtures import base_image, engine, instance, registry, sdk
from tests.real.parts import tar

__all__ = ["base_image", "bench", "engine", "instance", "registry", "sdk"]

pytestmark = pytest.mark.docker

JAVA = """# the image of the shop
ARG JAVA_VERSION=21
FROM {base} AS build
WORKDIR /src
COPY pom.xml ./
RUN --mount=type=cache,target=/cache/maven cat pom.xml
COPY src ./src
RUN mkdir target && cp src/App.java target/shop-1.0.jar

FROM {base}
ARG JAR_FILE=target/*.jar
COPY --from=build /src/${JAR_FILE} app.jar
ENV JAVA_OPTS="-Xmx256m"
EXPOSE 8080
RUN cat app.jar
ENTRYPOINT ["sh", "-c", "java ${JAVA_OPTS} -jar /app.jar"]
"""
NODE = """FROM {base} AS deps
WORKDIR /app
COPY package*.json ./
RUN --mount=type=cache,id=npm,target=/cache/npm cp package.json installed

FROM {base} AS builder
WORKDIR /app
COPY --from=deps /app/installed ./node_modules/
COPY . .
ENV NODE_ENV=production PATH="/app/node_modules/.bin:$PATH"
RUN mkdir dist && cat src/App.java > dist/index.js

FROM {base} AS runner
COPY --from=builder --chown=1000:1000 /app/dist /usr/share/html
HEALTHCHECK CMD wget -q http://localhost:3000/ || exit 1
RUN cat /usr/share/html/index.js
"""
GO = """ARG GO_VERSION=1.23
FROM --platform=$BUILDPLATFORM {base} AS build
ARG VERSION=dev
ARG TARGETOS TARGETARCH
WORKDIR /src
ADD src .
RUN echo GOOS=${TARGETOS} GOARCH=${TARGETARCH} \\
      # the version of the release
      -ldflags "-X main.version=${VERSION}" && \\
    cp App.java /bin/app

FROM {base}
ARG VERSION
LABEL org.opencontainers.image.version="${VERSION}"
COPY --from=build /bin/app /bin/app
RUN cat /bin/app
"""


@pytest.mark.parametrize("text", [JAVA, NODE, GO], ids=["Java", "Node", "Go"])
@pytest.mark.parametrize("trusted", [True, False], ids=["of a member", "of an approved outside contributor"])
async def test_an_ordinary_dockerfile_is_built(
    bench: Bench,
    text: str,
    trusted: bool,  # noqa: FBT001 - a parameter
) -> None:
    new = uuid.uuid4().hex
    filled = text.replace("{base}", bench.base)
    files = tar(
        {"Dockerfile": filled, "pom.xml": "<a/>", "package.json": "{}", "src/App.java": f"built {new}"}
    )
    log = await bench.build(filled, files=files, args={"VERSION": "1.2"}, trusted=trusted)
    assert f"built {new}" in log
