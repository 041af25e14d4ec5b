# Both base images have an exact version. To pin their digests too, build with
#   --build-arg BUILD=python:…@sha256:… --build-arg BASE=python:…-slim-trixie@sha256:…
ARG BUILD=python:3.13.14-trixie
ARG BASE=python:3.13.14-slim-trixie

# This stage has a compiler for the compiled engine; the last stage has none.
FROM ${BUILD} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python3 -m venv /opt/bulk-import && mkdir /spool
WORKDIR /source
# First the dependencies, by hash, because they rarely change. Byte-code is written in the last stage.
COPY requirements-image.lock ./
RUN /opt/bulk-import/bin/pip install --quiet --no-compile --require-hashes -r requirements-image.lock
COPY pyproject.toml setup.py README.md LICENSE ./
COPY sql sql
COPY service service
# The version of the build: git's files, which have it, are not copied.
ARG VERSION
# Fail the build if the engine was not compiled. Then remove the tools that build and install packages,
# packages that rich only needs for Markdown and source code, symbols and Cython's sources.
RUN SETUPTOOLS_SCM_PRETEND_VERSION_FOR_PROJECT_BULK_IMPORT="${VERSION}" \
        /opt/bulk-import/bin/pip install --quiet --no-compile --no-deps --no-build-isolation . \
    && /opt/bulk-import/bin/python -I -B -c "import service.formats.engine._fast.compiled" \
    && /opt/bulk-import/bin/pip uninstall --quiet --yes markdown-it-py mdurl pygments \
        cython packaging setuptools setuptools-scm vcs-versioning pip \
    && find /opt/bulk-import -name '*.so' -exec strip --strip-unneeded {} + \
    && find /opt/bulk-import -type d -name __pycache__ -prune -exec rm -r {} + \
    && find /opt/bulk-import/lib -type f \
        \( -name '*.pyx' -o -name '*.px[di]' -o -name '*.pyi' -o -name '*.[ch]' \) -delete

FROM ${BASE}
COPY --from=build /opt/bulk-import /opt/bulk-import
COPY --from=build --chown=10001:10001 /spool /spool
# Byte-code of all modules in use, also of Python's own: the base image has none, nothing can be written
# at run time, and without it a start takes twice as long.
ENV PYTHONPYCACHEPREFIX=/opt/bulk-import/byte-code
RUN --mount=type=bind,source=scripts/byte_code.py,target=/byte_code.py \
    /opt/bulk-import/bin/python /byte_code.py
ARG VERSION
ARG REVISION
ARG SOURCE
LABEL org.opencontainers.image.title="project-bulk-import" \
      org.opencontainers.image.description="Streams project plans in XML into PostgreSQL" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
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
