# pacsflow with everything a run needs. Build: docker build -t pacsflow .
# Run:  docker run --rm -p 11113:11113 -v "$PWD/projects:/projects" -v pacsflow-work:/data -e LUNG_KEY pacsflow run /projects/lung-ct
# where project.yaml says `workdir: ${env:PACSFLOW_WORK}/lung-ct`, deid.yaml `key: ${env:LUNG_KEY}`, pacs.yaml port 11113.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PREFECT_HOME=/data/prefect PACSFLOW_WORK=/data
WORKDIR /opt/pacsflow
COPY requirements.lock ./
RUN pip install -r requirements.lock
COPY pyproject.toml README.md ./
COPY schemas schemas
COPY pacsflow pacsflow
COPY tasks tasks
COPY flows flows
COPY projects/demo projects/demo
RUN pip install --no-deps . && useradd --create-home pacsflow && install -d -o pacsflow /data
USER pacsflow
VOLUME /data
EXPOSE 11113
ENTRYPOINT ["pacsflow"]
CMD ["--help"]
