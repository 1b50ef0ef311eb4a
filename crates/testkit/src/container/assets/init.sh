#!/bin/sh
# The first process of a node: gives systemd what the runtime mounted read-only, then becomes systemd.
# Both trees are the node's own: its control groups by a private namespace, the network's settings by
# its network namespace. A container engine in the node must be able to turn on forwarding.
mount --bind /proc/sys/net /proc/sys/net
for tree in /proc/sys/net /sys/fs/cgroup /sys/fs/cgroup/*; do
    mount -o remount,rw,bind "$tree" 2>/dev/null
done
exec /sbin/init
