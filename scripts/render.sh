#!/bin/sh
# Write the manifests of every overlay with an image: scripts/render.sh image tag-or-digest folder
# The overlay `example` is left out, because it is a template.
set -eu
[ $# = 3 ] || {
    sed -n 2,3p "$0" >&2
    exit 2
}
image=$1 version=$2 folder=$3
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
cd "$(dirname "$0")/.."
case $version in
    sha256:*) field=digest ;;
    *) field=newTag ;;
esac
mkdir -p build
overlay=$(mktemp -d build/render.XXXXXX)
trap 'rm -r "$overlay"' EXIT
for path in k8s/overlays/*/; do
    name=$(basename "$path")
    [ "$name" = example ] && continue
    {
        echo "resources: [../../$path]"
        echo "images:"
        for replaced in bulk-import registry.example.com/bulk-import; do
            echo "  - {name: $replaced, newName: $image, $field: \"$version\"}"
        done
    } >"$overlay/kustomization.yaml"
    .venv/bin/kubectl kustomize "$overlay" >"$folder/bulk-import-$name.yaml"
done
