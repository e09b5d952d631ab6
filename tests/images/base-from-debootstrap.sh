#!/usr/bin/env bash
# Makes the images' base on a machine that reaches a Debian mirror and no registry, and prints its name. For trying the
# images only: what is published is built on the base that the Dockerfiles name.
#
#   base-from-debootstrap.sh NAME        needs root, podman and debootstrap
#
# The mirrors are those of this machine's own apt, unless MIRROR and SECURITY_MIRROR name others. Where packages come
# through a server with a certificate of its own, CA_FILE (or SSL_CERT_FILE) names those to trust; then the base trusts
# them too, which is one more reason not to publish it.
set -euo pipefail

name=$1
# shellcheck disable=SC2016 # apt-get and awk expand these, not this shell
sources() { apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(ORIGIN)' | awk '$3 == "Debian"'; }
mirror=${MIRROR:-$(sources | awk '$2 !~ /-security/ && !n++ { print $1 }')}
security=${SECURITY_MIRROR:-$(sources | awk '$2 ~ /-security/ && !n++ { print $1 }')}
[[ -n $mirror && -n $security ]] || {
  echo "this machine's apt names no Debian mirror: set MIRROR and SECURITY_MIRROR" >&2
  exit 1
}
certificates=${CA_FILE:-${SSL_CERT_FILE:-}}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
root=$scratch/root

debootstrap --variant=minbase trixie "$root" "$mirror" >&2
rm "$root/etc/apt/sources.list"
cat >"$root/etc/apt/sources.list.d/debian.sources" <<TEXT
Types: deb
URIs: $mirror
Suites: trixie trixie-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: $security
Suites: trixie-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
TEXT
# As the official base has it: no documents, no translations, and none of those of packages that are installed later.
cat >"$root/etc/dpkg/dpkg.cfg.d/slim" <<'TEXT'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
TEXT
find "$root/usr/share/doc" -mindepth 2 ! -name copyright ! -type d -delete
rm -rf "$root"/usr/share/{info,locale,man}/* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb \
  "$root"/var/lib/apt/lists/* "$root"/var/log/*
options=()
if [[ -n $certificates ]]; then
  install -D -m 644 "$certificates" "$root/etc/ssl/build-host.crt"
  for variable in PIP_CERT NODE_EXTRA_CA_CERTS; do options+=(--change "ENV $variable=/etc/ssl/build-host.crt"); done
fi
tar -C "$root" -c . | podman import --change 'CMD ["bash"]' "${options[@]}" - "$name" >&2
echo "$name"
