#!/bin/sh
# Install the generators of API clients into build/generators, in the versions that the tests use.
set -eu
cd "$(dirname "$0")/.."
folder=build/generators
python_client=openapi-python-client==0.29.1
typescript='openapi-typescript@7.13.0 typescript@5.9.3'
if [ "$(cat $folder/versions 2>/dev/null)" = "$python_client $typescript" ]; then
    exit
fi
mkdir -p $folder
.venv/bin/python -m venv $folder/venv
$folder/venv/bin/pip install --quiet --disable-pip-version-check $python_client
npm install --silent --no-fund --no-audit --prefix $folder $typescript
echo "$python_client $typescript" >$folder/versions
