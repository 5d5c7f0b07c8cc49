#!/bin/sh
# Gathers in /rootfs all that a service needs: the environment /opt/umop, Python, and the Debian
# packages that they link with. Neither a shell, a package manager nor pip is among it. Scanners
# find the packages in dpkg's status.d, where images without a package manager have them.
set -eu

packages="base-files ca-certificates libbz2-1.0 libc6 libexpat1 libffi8 libgcc-s1 liblzma5
  libsqlite3-0 libssl3 libstdc++6 libuuid1 netbase zlib1g"
accounts="/etc/group /etc/nsswitch.conf /etc/passwd"
loaded="/etc/ld.so.cache /etc/ssl/certs/ca-certificates.crt"

cd /opt/umop/lib/python3.11/site-packages
find . -name tests -prune -exec rm -rf {} +
find . -name '*.pyi' -delete
rm -rf numpy/distutils numpy/f2py onnxruntime/quantization onnxruntime/tools onnxruntime/transformers
rm -rf pygments/lexers/[a-z]* pygments/lexers/__pycache__/[a-z]*
rm -f onnxruntime/capi/libonnxruntime.so.*  # for programs in C; Python's module has it inside

cd /usr/local/lib/python3.11
rm -rf config-3* ensurepip idlelib lib2to3 pydoc_data site-packages test tkinter turtledemo
find . -name __pycache__ -prune -exec rm -rf {} +
PYTHONHASHSEED=0 python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash .

mkdir --parents /rootfs/usr/lib64 /rootfs/var/lib/dpkg/status.d
{
  # shellcheck disable=SC2086 # the packages are words
  dpkg-query --listfiles $packages | grep -v -e /gconv -e /bin/ -e /sbin/ -e '^/\.$'
  printf '%s\n' $accounts $loaded
  find /home /models /opt/umop /workspace
  find /usr/local/bin/python* ! -name '*-*' ! -name '*.py'
  find /usr/local/lib/libpython* /usr/local/lib/python3.11
} | sed 's|^/||' | tar --create --directory / --no-recursion --files-from - |
  tar --extract --directory /rootfs

for package in $packages; do
  dpkg-query --status "$package" >"/rootfs/var/lib/dpkg/status.d/$package"
done
find /rootfs -exec touch --no-dereference --date 1980-01-02 {} +
