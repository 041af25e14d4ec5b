# Both base images have an exact version. To pin their digests too, build with
#   --build-arg BUILD=python:…@sha256:… --build-arg BASE=python:…-slim-trixie@sha256:…
ARG BUILD=python:3.13.14-trixie
ARG BASE=python:3.13.14-slim-trixie

# This stage has a compiler for the compiled engine; the last stage has none.
FROM ${BUILD} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python3 -m venv /opt/bulk-import && mkdir /spool
WORKDIR /source
# First the dependencies, by hash, because they rarely change.
COPY requirements-image.lock ./
RUN /opt/bulk-import/bin/pip install --quiet --require-hashes -r requirements-image.lock
COPY pyproject.toml setup.py README.md LICENSE ./
COPY sql sql
COPY service service
# Fail the build if the engine was not compiled, and remove the tools that install packages.
RUN /opt/bulk-import/bin/pip install --quiet --no-deps --no-build-isolation . \
    && /opt/bulk-import/bin/python -I -c "import service.formats.engine._fast.compiled" \
    && /opt/bulk-import/bin/pip uninstall --quiet --yes cython setuptools pip

FROM ${BASE}
LABEL org.opencontainers.image.title="project-bulk-import" \
      org.opencontainers.image.description="Streams project plans in XML into PostgreSQL" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/bulk-import /opt/bulk-import
COPY --from=build --chown=10001:10001 /spool /spool
# Working files and Python's temporary files go to /spool, the only directory that the service writes; the
# rest can be read-only. stdout is unbuffered, so that its lines are in order with those of the log.
ENV PATH=/opt/bulk-import/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TMPDIR=/spool \
    HOME=/spool \
    BULK_IMPORT_HOST=0.0.0.0 \
    BULK_IMPORT_PORT=8080 \
    BULK_IMPORT_LOG_FORMAT=json
VOLUME /spool
# A number, so that Kubernetes can verify that it is not root.
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('BULK_IMPORT_ADMIN_PORT') or os.environ['BULK_IMPORT_PORT']}/healthz\", timeout=4)"]
# Without a shell, so that SIGTERM reaches the service, which then drains.
ENTRYPOINT ["bulk-import"]
CMD ["serve"]
