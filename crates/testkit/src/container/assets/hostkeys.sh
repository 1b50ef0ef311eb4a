#!/bin/sh
# Host keys of this node's own: bed-hostkeys makes what is missing, bed-hostkeys --new throws the old away first.
# ed25519 and ecdsa only: an RSA key costs up to a second of processor time per node.
set -eu
[ "${1-}" = --new ] && rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub
for type in ed25519 ecdsa; do
    file=/etc/ssh/ssh_host_${type}_key
    [ -s "$file" ] || ssh-keygen -q -t "$type" -N '' -C "$(hostname)" -f "$file"
done
