# Two images from one file:
#   docker build --target operator -t localhost/rollmodel/operator .     the operator, and `rollmodel fetch` for init containers
#   docker build --target server   -t localhost/rollmodel/server   .     `rollmodel serve`: MLflow and scikit-learn on top
#
# PYTHON of the server image must be of the series that the models were trained with (docs/adr/0002-the-model-server.md);
# build it once per series with --build-arg PYTHON=3.12. Both run as a numeric user (LOGNAME is for libraries that
# ask for a name), need no writable root filesystem, and write to /tmp only.
# What is published names its base image by digest, which `make image PUBLISH=1` demands:
#   docker buildx imagetools inspect python:3.13-slim --format '{{.Manifest.Digest}}'
# then --build-arg BASE_DIGEST=sha256:... (or `make image BASE_DIGEST=sha256:...`).
ARG PYTHON=3.13
ARG BASE_DIGEST=

FROM python:${PYTHON}-slim${BASE_DIGEST:+@${BASE_DIGEST}} AS build
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

FROM python:${PYTHON}-slim${BASE_DIGEST:+@${BASE_DIGEST}} AS base
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
