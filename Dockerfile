# pacsflow with everything a run needs. Build: docker build -t pacsflow .
# Run:  docker run --rm --init -p 11113:11113 -v "$PWD/projects:/projects" -v pacsflow-work:/data -e LUNG_KEY pacsflow run /projects/lung-ct
# where project.yaml says `workdir: ${env:PACSFLOW_WORK}/lung-ct`, deid.yaml `key: ${env:LUNG_KEY}`, pacs.yaml port 11113.
# For a build that is the same next year, give the digest of the base: --build-arg BASE=python:3.11-slim@sha256:…
ARG BASE=python:3.11-slim
FROM ${BASE}

LABEL org.opencontainers.image.title="pacsflow" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PREFECT_HOME=/data/prefect PACSFLOW_WORK=/data XDG_STATE_HOME=/data/state
# git: for the pull steps of deployments
RUN apt-get update && apt-get install --yes --no-install-recommends git && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/pacsflow
COPY requirements-run.lock ./
RUN pip install --require-hashes -r requirements-run.lock
COPY pyproject.toml README.md prefect.yaml ./
COPY schemas schemas
COPY pacsflow pacsflow
COPY tasks tasks
COPY flows flows
COPY projects/demo projects/demo
COPY kit/entrypoint.sh kit/healthcheck.sh /usr/local/bin/
RUN pip install --no-deps --no-build-isolation . \
 && groupadd --gid 10001 pacsflow && useradd --uid 10001 --gid 10001 --create-home pacsflow \
 && install -d -o pacsflow -g pacsflow /data
USER 10001:10001
VOLUME /data
EXPOSE 11113
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s CMD ["sh", "/usr/local/bin/healthcheck.sh"]
ENTRYPOINT ["sh", "/usr/local/bin/entrypoint.sh"]
CMD ["--help"]
