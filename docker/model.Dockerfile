# A bundle as an image of its own, to be mounted by a cluster: nothing in it runs.
#
#   make model-image BUNDLE=runs/demo/demo.bundle
#
# With the service's image as BASE, `umop-serve copy /model.bundle TARGET` in it copies and checks the
# bundle, for clusters that mount no images. The build context is the bundle; docker/labels.py makes
# the tag and the labels of its manifest.
ARG BASE=scratch
FROM ${BASE}
COPY . /model.bundle/
