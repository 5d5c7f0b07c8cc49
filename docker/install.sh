#!/bin/sh
# Installs into /opt/umop, the environment of an image: the arguments are those of `pip install`.
# Bytecode is compiled here, because a container cannot write it. What is installed twice has the
# same bytes: times of files are 1980-01-02, which a zip can hold in every time zone.
set -eu

environment=/opt/umop
touch /run/before
[ -d $environment ] || python3 -m venv --without-pip $environment
pip --python $environment install --no-compile --no-deps "$@"
find $environment -newer /run/before -name '*.py' -print0 |
  PYTHONHASHSEED=0 xargs --null --no-run-if-empty $environment/bin/python \
  -m compileall -q -j 0 --invalidation-mode unchecked-hash
find $environment -newer /run/before -exec touch --no-dereference --date 1980-01-02 {} +
rm /run/before
