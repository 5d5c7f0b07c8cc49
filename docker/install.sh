#!/bin/sh
# Installs into /opt/umop, the environment of an image: the arguments are those of `pip install`.
# Bytecode is compiled here, because a container cannot write it. Times of files are
# SOURCE_DATE_EPOCH: what is installed twice has the same bytes.
set -eu

environment=/opt/umop
touch /run/before
[ -d $environment ] || python3 -m venv --without-pip $environment
pip --python $environment install --no-compile --no-deps "$@"
find $environment -newer /run/before -name '*.py' -print0 | PYTHONHASHSEED=0 xargs --null --no-run-if-empty \
  $environment/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash
find $environment -newer /run/before -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +
rm /run/before
