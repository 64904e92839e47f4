#!/usr/bin/env bash
# Builds the programs of a node from Debian 12's source package `kubernetes`, the last whose kubelet runs on a
# Docker Engine by itself.   build.sh FOLDER: where they go. What it needs is in PACKAGES of binaries.py.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
out=$1
programs=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy)

work=$(mktemp -d "$out.work-XXXXXX")
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
cd "$work"

# A source index of its own, from the archive that this machine uses; /etc/apt stays as it is.
archive=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
    awk '$2 == "bookworm" { print $1; exit }')
[ -n "$archive" ] || { echo 'no archive of Debian 12 (bookworm) in the sources of apt' >&2; exit 1; }
echo "deb-src $archive bookworm main" >sources.list
mkdir -p lists/partial
apt=(apt-get -qq -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$work/lists" -o APT::Sandbox::User=root)
"${apt[@]}" update
# Checked against the archive's signature. Debian's own patches concern kubectl alone.
"${apt[@]}" source --download-only kubernetes
tar xzf kubernetes_*.orig.tar.gz
cd kubernetes-*/

patch -p1 --fuzz=0 <"$here/kubernetes.patch"
# The vendored 1.0.1 crashes when built with Go 1.18 or newer (https://github.com/modern-go/reflect2/issues/26).
rm -r vendor/github.com/modern-go/reflect2
cp -r /usr/share/gocode/src/github.com/modern-go/reflect2 vendor/github.com/modern-go/

# Static programs need no C compiler; `providerless` leaves the SDKs of clouds out.
export PATH=/usr/lib/go-1.19/bin:$PATH GOCACHE=$work/go-cache GOPROXY=off CGO_ENABLED=0 GOFLAGS=-tags=providerless
make WHAT="${programs[*]/#/cmd/}" GOLDFLAGS='-s -w'
mkdir "$work/programs"
mv "${programs[@]/#/_output/bin/}" "$work/programs"
mv "$work/programs" "$out"
