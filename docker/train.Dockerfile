# Training: PyTorch, mmcv with its compiled ops, UMOP; with CUDA also NVIDIA's apex.
#
#   docker build -f docker/train.Dockerfile -t umop-train:cuda .
#   docker build -f docker/train.Dockerfile -t umop-train:cpu --build-arg VARIANT=cpu .
#
# The last stage installs wheels that other stages built, so the image has no compiler.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG VARIANT=cuda

FROM ${PYTHON_IMAGE} AS environment
RUN --mount=type=bind,source=docker/prepare.sh,target=/run/prepare.sh /run/prepare.sh
ENV PATH=/opt/umop/bin:$PATH
RUN --mount=type=bind,source=docker/install.sh,target=/run/install.sh \
    --mount=type=bind,source=requirements/build.txt,target=/run/build.txt \
    --mount=type=bind,source=requirements/train.txt,target=/run/train.txt \
    --mount=type=cache,target=/root/.cache/pip \
    /run/install.sh --require-hashes --requirement /run/build.txt \
    && /run/install.sh --require-hashes --requirement /run/train.txt --no-build-isolation

FROM environment AS umop
WORKDIR /source
COPY . .
RUN SOURCE_DATE_EPOCH=315619200 pip --python /opt/umop wheel --no-deps --no-build-isolation --wheel-dir /wheels .

FROM environment AS compiler
RUN apt-get update && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/* && python -m ensurepip
ENV UMOP_CACHE=/var/cache/umop
ARG MAX_JOBS

FROM compiler AS wheels-cpu
RUN --mount=type=bind,source=requirements/mmcv.txt,target=/run/mmcv.txt \
    --mount=type=bind,source=requirements/mmcv_wheel.py,target=/run/mmcv_wheel.py \
    --mount=type=cache,target=/var/cache/umop \
    --mount=type=cache,target=/root/.cache/pip \
    install -D --target-directory /wheels "$(python /run/mmcv_wheel.py)"

# `--build-context apex=FOLDER` takes a copy on this machine in place of GitHub's.
FROM scratch AS apex
ADD https://github.com/NVIDIA/apex.git#6424da3b4faa6c8f062da4a48c424fff3f02d42d /

# nvcc and the libraries to link with come from wheels, where libraries have no name for the linker.
FROM compiler AS wheels-cuda
ENV CUDA_HOME=/opt/umop/lib/python3.11/site-packages/nvidia/cu13
RUN --mount=type=bind,source=requirements/nvcc.txt,target=/run/nvcc.txt \
    --mount=type=cache,target=/root/.cache/pip \
    python -m pip install --no-deps --require-hashes --requirement /run/nvcc.txt \
    && ln -s lib "$CUDA_HOME/lib64" \
    && for library in "$CUDA_HOME"/lib/*.so.*; do ln -s "$library" "${library%.so.*}.so"; done
ARG CUDA_ARCHITECTURES="8.0 8.6 8.9 9.0+PTX"
ENV FORCE_CUDA=1 TORCH_CUDA_ARCH_LIST=${CUDA_ARCHITECTURES}
RUN --mount=type=bind,source=requirements/mmcv.txt,target=/run/mmcv.txt \
    --mount=type=bind,source=requirements/mmcv_wheel.py,target=/run/mmcv_wheel.py \
    --mount=type=cache,target=/var/cache/umop \
    --mount=type=cache,target=/root/.cache/pip \
    install -D --target-directory /wheels "$(python /run/mmcv_wheel.py)"
RUN --mount=type=bind,from=apex,target=/run/apex,rw \
    APEX_CPP_EXT=1 APEX_CUDA_EXT=1 \
    python -m pip wheel --verbose --no-deps --no-build-isolation --wheel-dir /wheels /run/apex

FROM wheels-${VARIANT} AS wheels

FROM environment
RUN --mount=type=bind,source=docker/install.sh,target=/run/install.sh \
    --mount=type=bind,from=wheels,source=/wheels,target=/run/wheels \
    /run/install.sh /run/wheels/*.whl
RUN --mount=type=bind,source=docker/install.sh,target=/run/install.sh \
    --mount=type=bind,from=umop,source=/wheels,target=/run/wheels \
    /run/install.sh /run/wheels/*.whl
ENV HOME=/home/umop \
    USER=umop \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    UMOP_CACHE=/workspace/cache
USER 10001:10001
WORKDIR /workspace
HEALTHCHECK NONE
ENTRYPOINT ["umop"]
CMD ["--help"]
ARG VERSION=0 REVISION=unknown SOURCE=unknown PYTHON_IMAGE BASE_DIGEST=unknown
LABEL org.opencontainers.image.title="umop-train" \
    org.opencontainers.image.description="Training of one-stage detectors: PyTorch, mmdet, UMOP" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.source="${SOURCE}" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.base.name="${PYTHON_IMAGE}" \
    org.opencontainers.image.base.digest="${BASE_DIGEST}"
