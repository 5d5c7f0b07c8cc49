# A bundle as an image of its own, to be mounted or copied by a cluster: nothing in it runs.
#
#   make model-image BUNDLE=runs/demo/demo.bundle
#
# The build context is the bundle; docker/labels.py makes the labels of its manifest.
FROM scratch
COPY . /model.bundle/
