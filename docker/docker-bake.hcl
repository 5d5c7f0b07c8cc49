# All images: `docker buildx bake -f docker/docker-bake.hcl cpu`, or cuda, or one target.
# `make images` fills in the variables.

variable "IMAGE_PREFIX" { default = "ghcr.io/umop" }
variable "VERSION" { default = "dev" }
variable "REVISION" { default = "unknown" }
variable "SOURCE" { default = "unknown" }
variable "SOURCE_DATE_EPOCH" { default = "0" }
variable "PYTHON_IMAGE" { default = "python:3.11-slim-bookworm" }
variable "CUDA_ARCHITECTURES" { default = "8.0 8.6 8.9 9.0+PTX" }

group "default" { targets = ["cpu"] }
group "cpu" { targets = ["api-cpu", "api-cpu-sign", "torchserve-cpu", "train-cpu"] }
group "cuda" { targets = ["api-cuda", "torchserve-cuda", "train-cuda"] }

target "image" {
  args = {
    BASE_DIGEST       = element(split("@", "${PYTHON_IMAGE}@unknown"), 1)
    PYTHON_IMAGE      = PYTHON_IMAGE
    REVISION          = REVISION
    SOURCE            = SOURCE
    SOURCE_DATE_EPOCH = SOURCE_DATE_EPOCH
    VERSION           = VERSION
  }
}

target "api" {
  name       = "api-${variant}"
  inherits   = ["image"]
  matrix     = { variant = ["cpu", "cpu-sign", "cuda"] }
  dockerfile = "docker/api.Dockerfile"
  args       = { REQUIREMENTS = { cpu = "api.txt", cpu-sign = "api-sign.txt", cuda = "api-gpu.txt" }[variant] }
  tags       = ["${IMAGE_PREFIX}/umop-api:${VERSION}-${variant}"]
}

target "torchserve" {
  name       = "torchserve-${variant}"
  inherits   = ["image"]
  matrix     = { variant = ["cpu", "cuda"] }
  dockerfile = "docker/torchserve.Dockerfile"
  args       = { REQUIREMENTS = variant == "cuda" ? "torchserve-gpu.txt" : "torchserve.txt" }
  tags       = ["${IMAGE_PREFIX}/umop-torchserve:${VERSION}-${variant}"]
}

target "train" {
  name       = "train-${variant}"
  inherits   = ["image"]
  matrix     = { variant = ["cpu", "cuda"] }
  dockerfile = "docker/train.Dockerfile"
  args       = { VARIANT = variant, CUDA_ARCHITECTURES = CUDA_ARCHITECTURES }
  tags       = ["${IMAGE_PREFIX}/umop-train:${VERSION}-${variant}"]
}
