# escape=`
# syntax=docker/dockerfile:1
ARG V=1
FROM base:${V:-2} AS build
ENV PORT=80 A='b c'
RUN <<EOF
EXPOSE 1
EOF
FROM --platform=linux build AS runtime
EXPOSE ${PORT}/tcp 99999 $A
COPY --from=build <<-X /y `
  z
	X
from runtime as test
expose 443/udp 8080-8090
