#!/bin/sh
# Installs Debian packages that are missing, and nothing else.
#
#   scripts/install-packages.sh PACKAGE[=PROGRAM]... | @FILE...
#
# With =PROGRAM a package counts as there when that program is on the path: docker.io=dockerd leaves
# an engine alone that came from elsewhere. @FILE names a file with one such word a line, # comments.
# Needs root or sudo, but only when something is missing.
set -eu

# sshd, iptables and others are not on every user's path.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

usage() {
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

words() {
    for word; do
        case $word in
            @*) sed 's/#.*//' "${word#@}" ;;
            *) printf '%s\n' "$word" ;;
        esac
    done
}

is_there() {
    case $1 in
        *=*) command -v "${1#*=}" >/dev/null && return 0 ;;
    esac
    state=$(dpkg-query --show --showformat='${db:Status-Status}' "${1%%=*}" 2>/dev/null) || return 1
    [ "$state" = installed ]
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        printf 'install-packages: neither root nor sudo; as root, run: %s\n' "$*" >&2
        exit 1
    fi
}

[ $# -gt 0 ] || usage
wanted=$(words "$@")

set --
for word in $wanted; do
    is_there "$word" || set -- "$@" "${word%%=*}"
done
if [ $# -eq 0 ]; then
    printf 'packages: all there\n'
    exit 0
fi

printf 'packages: installing %s\n' "$*"
as_root apt-get update -qq
as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 "$@"
