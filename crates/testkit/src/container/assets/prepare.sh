#!/bin/sh
# Lets the owner of the bed in: bed-prepare PUBLIC_KEY, with the password of 'ops' on stdin. Safe to repeat.
set -eu
key=$1
IFS= read -r password

for user in root towline admin ops ash dash tcsh noisy nologin; do
    home=$(getent passwd "$user" | cut -d: -f6)
    install -d -m 0700 -o "$user" -g "$user" "$home/.ssh"
    printf '%s\n' "$key" > "$home/.ssh/authorized_keys"
    chown "$user:$user" "$home/.ssh/authorized_keys"
    chmod 0600 "$home/.ssh/authorized_keys"
done
printf 'ops:%s\n' "$password" | chpasswd
