#!/bin/sh
# Makes a bare Debian root into a node of the test bed.
# Called by mmdebstrap at the end of its work: hook.sh ROOTFS. Its neighbours lie in the same folder.
set -eu
root=$1
here=$(dirname "$0")

# add NAME SHELL
add() { chroot "$root" useradd --create-home --shell "$2" "$1"; }
add towline /bin/bash
add admin /bin/bash
add ops /bin/bash

# One user for each kind of login shell that a fleet may meet, named as it.
ln -s /bin/busybox "$root/usr/local/bin/ash"
add ash /usr/local/bin/ash
add dash /bin/dash
add tcsh /bin/tcsh
add noisy /bin/bash
add nologin /usr/sbin/nologin
# Debian's own ends early where nobody types; one that does not is common elsewhere.
install -m 0644 "$here/noisy.bashrc" "$root/home/noisy/.bashrc"

install -m 0755 "$here/init.sh" "$root/usr/local/sbin/bed-init"
install -m 0755 "$here/prepare.sh" "$root/usr/local/sbin/bed-prepare"
install -m 0755 "$here/hostkeys.sh" "$root/usr/local/sbin/bed-hostkeys"
install -m 0755 "$here/fill.sh" "$root/usr/local/sbin/bed-fill"
install -m 0440 "$here/sudoers" "$root/etc/sudoers.d/bed"
chroot "$root" visudo -cqf /etc/sudoers.d/bed
install -m 0400 "$here/doas.conf" "$root/etc/doas.conf"
install -m 0644 "$here/sshd.conf" "$root/etc/ssh/sshd_config.d/bed.conf"
install -D -m 0644 "$here/ssh.service.conf" "$root/etc/systemd/system/ssh.service.d/bed.conf"
install -D -m 0644 "$here/journald.conf" "$root/etc/systemd/journald.conf.d/bed.conf"

# The small file system is mounted here and takes over who may write: everybody.
install -d -m 1777 "$root/srv/small"

# Nothing that makes a node what it is may come from the image: no host key, no machine id.
rm -f "$root"/etc/ssh/ssh_host_*
: > "$root/etc/machine-id"

# What a container cannot do or a test bed does not want, so that systemd ends up 'running', not 'degraded'.
for unit in systemd-udevd.service systemd-timesyncd.service e2scrub_reap.service \
    getty@tty1.service console-getty.service \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

rm -rf "$root"/var/cache/apt/*.bin "$root"/var/lib/apt/lists/* "$root"/var/log/*.log
