# Two images from one file:
#   docker build --target operator -t localhost/rollmodel/operator .     the operator, and `rollmodel fetch` for init containers
#   docker build --target server   -t localhost/rollmodel/server   .     `rollmodel serve`: MLflow and scikit-learn on top
#
# PYTHON of the server image must be of the series that the models were trained with (docs/adr/0002-the-model-server.md);
# build it once per series with --build-arg PYTHON=3.12. Both run as a numeric user (LOGNAME is for libraries that
# ask for a name), need no writable root filesystem, and write to /tmp only.
#
# Base images are named by digest: those of 5 August 2026, as github.com/docker-library/repo-info lists them. For a newer one
#   docker buildx imagetools inspect python:3.13-slim --format '{{.Manifest.Digest}}'
# and write it here, or build with --build-arg BASE=python:3.13-slim@sha256:... (`make image BASE=...`).
ARG PYTHON=3.13
ARG BASE=python-${PYTHON}

FROM python:3.11-slim@sha256:90744cff8f32887f075c47d747a173ff333e9e98801667af93c357fa9f5e28ff AS python-3.11
FROM python:3.12-slim@sha256:229a2c5bfa27522db7815ea81f9bed70af17ccb9de9fc7ad142b1877b5830d36 AS python-3.12
FROM python:3.13-slim@sha256:9662417aace5ae7b8e2609cce472b72a8958e134ba372808abe9cc1a0c0125e6 AS python-3.13

FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_PYTHON=/opt/rollmodel/bin/python
WORKDIR /src
RUN python -m venv --without-pip /opt/rollmodel
COPY requirements/build.txt requirements/operator.txt requirements/server.txt requirements/
# Beside what becomes the image: it builds our own package and nothing else.
RUN pip install --require-hashes --target /build --requirement requirements/build.txt

FROM build AS build-operator
RUN pip install --require-hashes --requirement requirements/operator.txt
COPY pyproject.toml README.md ./
COPY operator operator
RUN PYTHONPATH=/build pip install --no-deps --no-build-isolation .

FROM build AS build-server
RUN pip install --require-hashes --requirement requirements/server.txt
COPY pyproject.toml README.md ./
COPY operator operator
RUN PYTHONPATH=/build pip install --no-deps --no-build-isolation .

FROM ${BASE} AS base
ENV PATH=/opt/rollmodel/bin:$PATH \
    HOME=/tmp \
    LOGNAME=rollmodel \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MLFLOW_DISABLE_TELEMETRY=true
WORKDIR /tmp
USER 65532:65532
ENTRYPOINT ["rollmodel"]

FROM base AS server
COPY --from=build-server /opt/rollmodel /opt/rollmodel
EXPOSE 8080

FROM base AS operator
COPY --from=build-operator /opt/rollmodel /opt/rollmodel
CMD ["run"]
