#!/bin/sh
# Fills the small file system to the last byte: bed-fill FILE. Fails when there is still room afterwards.
set -eu
dd if=/dev/zero of="$1" bs=64K 2>/dev/null || true
# The last block may have been refused as a whole: go on in small steps.
dd if=/dev/zero of="$1" bs=512 oflag=append conv=notrunc 2>/dev/null || true
left=$(df --output=avail -B1 "$(dirname "$1")" | tail -n 1)
if [ "$left" -gt 0 ]; then
    printf '%s bytes are still free\n' "$left" >&2
    exit 1
fi
