# syntax=docker/dockerfile:1.7
# escape=`
ARG V=3.11
FROM --platform=$BUILDPLATFORM python:${V:-3} AS build
ENV A=http://127.0.0.1/x B='c' C
ADD ["\u0068ttp://x/y", "/x"]
add `
# no
 --chown=0 $A ./local /x
RUN --mount=type=bind,from=registry.example.com/other/app:1,target=/x <<E cat
ADD http://in.a.document/ /x
E
COPY --from=build --link /a /b
ONBUILD ADD git@example.com:a/b.git /x
FROM build
FROM scratch
