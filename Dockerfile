# Both images by their exact version. To pin the very bytes too, build with
#   --build-arg BUILD=python:…@sha256:… --build-arg BASE=python:…-slim-trixie@sha256:…
ARG BUILD=python:3.13.14-trixie
ARG BASE=python:3.13.14-slim-trixie

# Has a compiler, which what reads records is compiled with; nothing of it is in the last stage.
FROM ${BUILD} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python3 -m venv /opt/bulk-import && mkdir /spool
WORKDIR /source
# First what changes seldom: the dependencies, by their hashes.
COPY requirements-image.lock ./
RUN /opt/bulk-import/bin/pip install --quiet --require-hashes -r requirements-image.lock
COPY pyproject.toml setup.py README.md LICENSE ./
COPY sql sql
COPY service service
# The image is refused where nothing was compiled, and holds what serves, not what installs.
RUN /opt/bulk-import/bin/pip install --quiet --no-deps --no-build-isolation . \
    && /opt/bulk-import/bin/python -I -c "import service.formats.engine._fast.compiled" \
    && /opt/bulk-import/bin/pip uninstall --quiet --yes cython setuptools pip

FROM ${BASE}
LABEL org.opencontainers.image.title="project-bulk-import" \
      org.opencontainers.image.description="Streams project plans in XML into PostgreSQL" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/bulk-import /opt/bulk-import
COPY --from=build --chown=10001:10001 /spool /spool
# Working files and Python's temporary ones go to the one place that is written; the rest may be
# read-only. stdout is the log's neighbour and must not lag behind it.
ENV PATH=/opt/bulk-import/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TMPDIR=/spool \
    HOME=/spool \
    BULK_IMPORT_HOST=0.0.0.0 \
    BULK_IMPORT_PORT=8080 \
    BULK_IMPORT_LOG_FORMAT=json
VOLUME /spool
# By number, so that Kubernetes can see that it is not root.
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['BULK_IMPORT_PORT']}/healthz\", timeout=4)"]
# No shell in between: SIGTERM reaches the service, which drains.
ENTRYPOINT ["bulk-import"]
CMD ["serve"]
