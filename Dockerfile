# syntax=docker/dockerfile:1
# The two images of Go programs, for those who build with Docker:
#   docker build --target operator --build-arg VERSION=dev -t docker.io/ragservice/operator:dev .
#   docker build --target server   --build-arg VERSION=dev -t docker.io/ragservice/server:dev .
# VERSION is what they say that they are: a release passes the chart's appVersion. For other architectures: docker buildx build
# --platform linux/amd64,linux/arm64. hack/images makes the same ones (and those of Redis and OpenSearch) without Docker.

FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY alerts/ alerts/
COPY api/ api/
COPY cmd/ cmd/
COPY config/ config/
COPY internal/ internal/
COPY runtime/ runtime/
ARG TARGETOS TARGETARCH VERSION=dev
ENV CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION" -o /out/ ./cmd/manager ./cmd/ragserver

# Both run under the restricted Pod Security Standard: a number as user, nothing to write to, no shell.
FROM scratch AS base
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
USER 65532:65532
WORKDIR /
EXPOSE 8080 8081

FROM base AS operator
ARG VERSION=dev
LABEL org.opencontainers.image.title=ragservice-operator org.opencontainers.image.version=$VERSION
COPY --from=build /out/manager /manager
ENTRYPOINT ["/manager"]

FROM base AS server
ARG VERSION=dev
LABEL org.opencontainers.image.title=ragservice-server org.opencontainers.image.version=$VERSION
COPY --from=build /out/ragserver /ragserver
ENTRYPOINT ["/ragserver"]
