# The service: FastAPI and ONNX Runtime. The image has no PyTorch, no shell and no package manager.
#
#   docker build -f docker/api.Dockerfile -t umop-api:cpu .
#   docker build -f docker/api.Dockerfile -t umop-api:cuda --build-arg REQUIREMENTS=api-gpu.txt .
#
# REQUIREMENTS is a lock file of requirements/: api-sign.txt checks signatures of bundles, too.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS umop
RUN --mount=type=bind,source=docker/install.sh,target=/run/install.sh \
    --mount=type=bind,source=requirements/build.txt,target=/run/build.txt \
    --mount=type=cache,target=/root/.cache/pip \
    /run/install.sh --require-hashes --requirement /run/build.txt
WORKDIR /source
COPY . .
RUN SOURCE_DATE_EPOCH=315619200 pip --python /opt/umop wheel --no-deps --no-build-isolation --wheel-dir /wheels .

FROM ${PYTHON_IMAGE} AS environment
RUN --mount=type=bind,source=docker/prepare.sh,target=/run/prepare.sh /run/prepare.sh
ARG REQUIREMENTS=api.txt
RUN --mount=type=bind,source=docker/install.sh,target=/run/install.sh \
    --mount=type=bind,source=requirements/${REQUIREMENTS},target=/run/requirements.txt \
    --mount=type=cache,target=/root/.cache/pip \
    /run/install.sh --require-hashes --requirement /run/requirements.txt
RUN --mount=type=bind,source=docker/install.sh,target=/run/install.sh \
    --mount=type=bind,from=umop,source=/wheels,target=/run/wheels \
    /run/install.sh /run/wheels/*.whl
RUN --mount=type=bind,source=docker/gather.sh,target=/run/gather.sh /run/gather.sh

FROM scratch
COPY --from=environment /rootfs /
ENV PATH=/opt/umop/bin:/usr/local/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/home/umop \
    UMOP_HOST=0.0.0.0 \
    UMOP_BUNDLE=/models/model.bundle
USER 10001:10001
WORKDIR /home/umop
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --start-interval=1s \
    CMD ["python", "-m", "serving.server.probe"]
ENTRYPOINT ["umop-serve"]
ARG VERSION=0 REVISION=unknown SOURCE=unknown PYTHON_IMAGE BASE_DIGEST=unknown
LABEL org.opencontainers.image.title="umop-api" \
    org.opencontainers.image.description="Object detection over HTTP: FastAPI and ONNX Runtime" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.source="${SOURCE}" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.base.name="${PYTHON_IMAGE}" \
    org.opencontainers.image.base.digest="${BASE_DIGEST}"
