#!/bin/sh
# The first process of a node: gives systemd a control group tree it may write to, then becomes systemd.
# The runtime mounts the tree read-only; with a private cgroup namespace it holds this node's part alone.
for tree in /sys/fs/cgroup /sys/fs/cgroup/*; do
    mount -o remount,rw,bind "$tree" 2>/dev/null
done
exec /sbin/init
