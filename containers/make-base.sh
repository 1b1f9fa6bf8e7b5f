#!/bin/bash
# Makes the base image of the tasks, `retrial/base:bookworm`.
#
# Two ways lead to it: `docker build` of base/Dockerfile where an image registry answers (or its base image is already
# there), otherwise debootstrap from the Debian mirror this machine's apt uses, and `docker import`. Both install
# base/packages.txt and nothing else. The image carries the digest of that list as a label, so that a second call
# with the same list ends at once.
set -euo pipefail

readonly IMAGE=retrial/base:bookworm
readonly UPSTREAM=debian:bookworm-slim
readonly SUITE=bookworm
readonly LABEL=org.retrial.packages
readonly IMAGE_ENV=(LANG=C.UTF-8 LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly HERE
readonly PACKAGES=$HERE/base/packages.txt

usage() {
    cat <<'TEXT'
usage: make-base.sh [--force] [--method auto|build|debootstrap] [--mirror URL]
       make-base.sh --engine-check

  --force          make the image even if one with the same package list exists
  --method METHOD  build: from base/Dockerfile; debootstrap: from Debian packages (needs root);
                   auto (the default): build if the upstream image can be had, otherwise debootstrap
  --mirror URL     Debian mirror for debootstrap; the default is the one this machine's apt uses
  --engine-check   only say whether a container engine answers

The engine is found as the docker client finds it (DOCKER_HOST or the local socket). Without a docker client the
engine is spoken to with curl over its Unix socket; only debootstrap is possible then.

exit status: 0 done, 1 failed, 2 usage
TEXT
}

say() { printf '%s\n' "make-base: $*" >&2; }
die() { printf '%s\n' "error: $1" >&2; if [ $# -gt 1 ]; then printf '\n%s\n' "hint: $2" >&2; fi; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# The engine's Unix socket, for the way without a docker client.
engine_socket() {
    case ${DOCKER_HOST:-unix:///var/run/docker.sock} in
        unix://*) local host=${DOCKER_HOST:-unix:///var/run/docker.sock}; printf '%s' "${host#unix://}" ;;
        *) die "DOCKER_HOST is not a Unix socket, and there is no docker client to reach it" "install the docker client" ;;
    esac
}

engine_api() { curl --silent --show-error --fail --unix-socket "$(engine_socket)" "$@"; }

check_engine() {
    if has docker; then
        local version
        version=$(docker version --format '{{.Server.Version}} (API {{.Server.APIVersion}})' 2>/dev/null) ||
            die "the docker client finds no engine" "start the engine, or point DOCKER_HOST at a running one"
        say "engine $version answers the docker client"
    elif has curl; then
        [ "$(engine_api http://engine/_ping 2>/dev/null || true)" = OK ] ||
            die "no docker client, and no engine at \`$(engine_socket)\`" "install and start Docker or Podman"
        say "engine answers at $(engine_socket); there is no docker client"
    else
        die "neither a docker client nor curl is installed" "install the docker client"
    fi
}

# Prints the package digest an existing image is labelled with, or nothing.
image_digest() {
    if has docker; then
        docker image inspect --format "{{index .Config.Labels \"$LABEL\"}}" "$IMAGE" 2>/dev/null || true
    else
        engine_api "http://engine/images/$IMAGE/json" 2>/dev/null |
            grep -o "\"$LABEL\":\"[0-9a-f]*\"" | head -n 1 | cut -d '"' -f 4 || true
    fi
}

upstream_is_at_hand() {
    has docker || return 1
    docker image inspect "$UPSTREAM" >/dev/null 2>&1 || timeout 300 docker pull --quiet "$UPSTREAM" >/dev/null 2>&1
}

# The proxy apt is told to use, if any.
apt_proxy() {
    has apt-config || return 0
    local PROXY=
    eval "$(apt-config shell PROXY Acquire::http::Proxy)"
    [ "$PROXY" = DIRECT ] || printf '%s' "$PROXY"
}

# The archive of this machine's apt sources that has the suite, or else any that is laid out like Debian's.
apt_mirror() {
    has apt-get || return 0
    local archives
    archives=$(apt-get update --print-uris 2>/dev/null | sed -n "s|^'\([^']*\)/dists/\([^/']*\)/InRelease'.*|\2 \1|p")
    { awk -v suite="$SUITE" '$1 == suite { print $2 }' <<<"$archives"
      awk '$2 ~ /\/debian\/?$/ { print $2 }' <<<"$archives"; } | sed -n 1p
}

build_image() {
    local proxy arguments=()
    proxy=$(apt_proxy)
    if [ -n "$proxy" ]; then arguments=(--build-arg "http_proxy=$proxy"); fi
    say "building $IMAGE from $UPSTREAM"
    docker build --quiet --tag "$IMAGE" --label "$LABEL=$1" "${arguments[@]}" "$HERE/base" >/dev/null ||
        die "docker build failed" "run \`docker build $HERE/base\` to see all of its output"
}

# Removes what no task needs: package lists and caches, logs, manuals, translations; licences stay.
strip_root() {
    local root=$1
    rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/var/cache/debconf/*-old "$root"/var/log/apt \
        "$root"/var/log/*.log "$root"/usr/share/man/* "$root"/usr/share/info/* "$root"/usr/share/locale/* "$root"/tmp/*
    find "$root/usr/share/doc" -type f ! -name copyright -delete
    find "$root/usr" -type d -name __pycache__ -prune -exec rm -rf {} +
    rm -f "$root/etc/hostname" "$root/etc/resolv.conf"
    # An address with a user's name and password in it must not reach the image.
    if grep -qs '://[^/ ]*@' "$root/etc/apt/sources.list"; then rm "$root/etc/apt/sources.list"; fi
}

import_root() {
    local root=$1 changes=("CMD [\"/bin/bash\"]" "LABEL $LABEL=$2") pair
    for pair in "${IMAGE_ENV[@]}"; do changes+=("ENV $pair"); done
    local arguments=() change
    if has docker; then
        for change in "${changes[@]}"; do arguments+=(--change "$change"); done
        pack_root "$root" | docker import "${arguments[@]}" - "$IMAGE" >/dev/null
    else
        pack_root "$root" | engine_api --request POST --header 'Content-Type: application/x-tar' --upload-file - \
            "http://engine/images/create?fromSrc=-&repo=${IMAGE%:*}&tag=${IMAGE#*:}$(encode_changes "${changes[@]}")" >/dev/null
    fi || die "the engine did not take the image" "look for free disk space on the engine's side"
}

# Prints the changes as parameters of an address, every byte percent-encoded.
encode_changes() {
    local change
    for change in "$@"; do
        printf '&changes=%s' "$(printf '%s' "$change" | od -An -v -tx1 | tr -d '\n' | sed 's/ /%/g')"
    done
}

pack_root() { tar --numeric-owner --one-file-system -C "$1" --exclude './dev/*' --exclude './proc/*' --exclude './sys/*' -c .; }

debootstrap_image() {
    local digest=$1 mirror=$2 proxy
    has debootstrap || die "debootstrap is not installed" "apt-get install debootstrap"
    [ "$(id -u)" = 0 ] || die "debootstrap needs root" "run this script as root"
    [ -n "$mirror" ] || mirror=$(apt_mirror)
    [ -n "$mirror" ] || die "apt on this machine names no Debian mirror" "give one with --mirror"
    proxy=$(apt_proxy)
    if [ -n "$proxy" ]; then export http_proxy=$proxy; fi
    WORK=$(mktemp -d)
    trap 'rm -rf --one-file-system "$WORK"' EXIT
    say "making $IMAGE from Debian packages; this takes a minute or two"
    debootstrap --variant=minbase --include="$(paste -sd , "$PACKAGES")" "$SUITE" "$WORK/root" "$mirror" >"$WORK/log" 2>&1 || {
        tail -n 20 "$WORK/log" >&2
        die "debootstrap failed; the end of its output is above"
    }
    strip_root "$WORK/root"
    import_root "$WORK/root" "$digest"
}

main() {
    local force= method=auto mirror= only_check=
    while [ $# -gt 0 ]; do
        case $1 in
            --force) force=1 ;;
            --engine-check) only_check=1 ;;
            --method) method=${2:-}; shift ;;
            --mirror) mirror=${2:-}; shift ;;
            -h | --help) usage; exit 0 ;;
            *) usage >&2; exit 2 ;;
        esac
        shift || { usage >&2; exit 2; }
    done
    case $method in auto | build | debootstrap) ;; *) usage >&2; exit 2 ;; esac

    check_engine
    if [ -n "$only_check" ]; then exit 0; fi
    local digest
    digest=$(sha256sum "$PACKAGES" | cut -d ' ' -f 1)
    if [ -z "$force" ] && [ "$(image_digest)" = "$digest" ]; then
        say "$IMAGE is up to date"
        exit 0
    fi
    if [ "$method" = auto ]; then
        if upstream_is_at_hand; then method=build; else method=debootstrap; fi
    fi
    if [ "$method" = build ]; then
        has docker || die "building needs a docker client" "use --method debootstrap"
        build_image "$digest"
    else
        debootstrap_image "$digest" "$mirror"
    fi
    [ "$(image_digest)" = "$digest" ] || die "the new image does not carry the digest of its package list"
    say "$IMAGE is ready"
}

main "$@"
