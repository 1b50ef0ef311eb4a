#!/bin/sh
# Tells what this machine is and what it can run. Arguments: the sections that are
# wanted, comma separated, then the names of services to look at.
#
# Prints KEY=VALUE records, each ended by a NUL: no variable of a shell can hold one, so
# no value can pass for another record. What needs understanding is told as it is found
# and understood by the reader. Forks are what costs here: files are read by the shell.
# Functions are named so that none hides a program.
exec 2>/dev/null
LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin
export LC_ALL PATH
sections=,$1,
[ $# -eq 0 ] || shift

put() { printf '%s=%s\0' "$1" "$2"; }
wants() { case $sections in *",$1,"*) ;; *) return 1 ;; esac; }
has() { command -v "$1" >/dev/null; }
put_program() {
	program=$(command -v "$2") && put "$1" "$program"
}
# The first line of a file.
put_line() {
	line=
	IFS= read -r line <"$2"
	[ -z "$line" ] || put "$1" "$line"
}
# Any program may hang: none gets more than 2 s.
limited() {
	if [ -n "$has_timeout" ]; then
		timeout 2 "$@"
		return
	fi
	"$@" &
	child=$!
	(sleep 2 && kill -9 "$child") >/dev/null &
	guard=$!
	wait "$child"
	code=$?
	kill "$guard"
	return "$code"
}

system_linux() {
	put_line kernel.type /proc/sys/kernel/ostype
	put_line hostname /proc/sys/kernel/hostname
	put_line kernel /proc/sys/kernel/osrelease
	if [ -r /proc/sys/kernel/arch ]; then
		put_line arch /proc/sys/kernel/arch
	else
		put arch "$(uname -m)"
	fi
	if [ -r /sys/devices/system/cpu/online ]; then
		put_line cpus.online /sys/devices/system/cpu/online
	else
		put cpus "$(nproc || getconf _NPROCESSORS_ONLN)"
	fi
	put_line uptime /proc/uptime
	put_line load /proc/loadavg
	put_line init /proc/1/comm
	os=/etc/os-release
	[ -r "$os" ] || os=/usr/lib/os-release
	while IFS='=' read -r key value; do
		case $key in PRETTY_NAME) put os "$value" ;; esac
	done <"$os"
	while read -r key value _; do
		case $key in
		MemTotal:) put mem.total_kib "$value" ;;
		MemFree:) put mem.free_kib "$value" ;;
		MemAvailable:) put mem.available_kib "$value" ;;
		Buffers:) put mem.buffers_kib "$value" ;;
		Cached:) put mem.cached_kib "$value" ;;
		SwapTotal:) put swap.total_kib "$value" ;;
		SwapFree:) put swap.free_kib "$value" && break ;;
		esac
	done </proc/meminfo
	system_cgroup
}

# A machine that is a container may have less memory than its kernel has.
system_cgroup() {
	if [ -r /sys/fs/cgroup/memory.max ]; then
		group=/sys/fs/cgroup
		inactive=inactive_file
		put_line cgroup.max $group/memory.max
		put_line cgroup.used $group/memory.current
	elif [ -r /sys/fs/cgroup/memory/memory.limit_in_bytes ]; then
		group=/sys/fs/cgroup/memory
		inactive=total_inactive_file
		put_line cgroup.max $group/memory.limit_in_bytes
		put_line cgroup.used $group/memory.usage_in_bytes
	else
		return
	fi
	while read -r key value; do
		case $key in "$inactive") put cgroup.inactive "$value" && break ;; esac
	done <$group/memory.stat
}

# macOS and the BSDs; what a system does not know of is left out by its own sysctl.
system_other() {
	put uname "$(uname -snrm)"
	put cpus "$(getconf _NPROCESSORS_ONLN || getconf NPROCESSORS_ONLN)"
	put sysctl "$(limited sysctl hw.ncpu hw.memsize hw.physmem64 hw.physmem hw.pagesize \
		kern.boottime vm.loadavg vm.swapusage vm.stats.vm.v_free_count \
		vm.stats.vm.v_inactive_count)"
	has vm_stat && put vm_stat "$(limited vm_stat)"
	has sw_vers && put sw_vers "$(limited sw_vers)"
	has launchctl && put init launchd
	wants clock || put clock "$(date +%s)"
}

tell_disks() {
	set -- /
	for folder in /var/lib/containerd /var/lib/docker /var/lib/containers \
		/var/lib/k0s /var/lib/rancher /var/snap/microk8s; do
		[ -d "$folder" ] && set -- "$@" "$folder"
	done
	put disks "$(limited df -P -k "$@")"
	# Elsewhere the columns of df -i are others.
	wants inodes && [ -r /proc/loadavg ] && put inodes "$(limited df -P -i "$@")"
}

tell_gpus() {
	has nvidia-smi || return
	list=$(limited nvidia-smi --format=csv,noheader,nounits \
		--query-gpu=name,memory.total,memory.used,utilization.gpu)
	put gpu.code $?
	put gpus "$list"
}

# An engine's socket: where it is, and whether this account may use it.
put_socket() {
	[ -S "$2" ] || return 1
	put "$1.socket" "$2"
	if [ -r "$2" ] && [ -w "$2" ]; then put "$1.access" yes; else put "$1.access" no; fi
}

# FLAVOUR SOCKET PROGRAM: a containerd and the program that talks to it. ctr itself is not
# asked: it waits 10 s for a containerd that is down.
tell_containerd() {
	if put_socket "containerd.$1" "$2" || has "$3"; then
		case $1 in
		containerd) put_program containerd.containerd.program ctr ;;
		*) put_program "containerd.$1.program" "$3" ;;
		esac
	fi
}

tell_runs() {
	put_program docker.client docker
	case $DOCKER_HOST in
	unix://*) put_socket docker "${DOCKER_HOST#unix://}" ;;
	*) put_socket docker /var/run/docker.sock ||
		put_socket docker "${XDG_RUNTIME_DIR:-/nonexistent}/docker.sock" ;;
	esac
	put_program podman.client podman && {
		put_socket podman /run/podman/podman.sock ||
			put_socket podman "${XDG_RUNTIME_DIR:-/nonexistent}/podman/podman.sock"
	}
	tell_containerd containerd /run/containerd/containerd.sock containerd
	tell_containerd k0s /run/k0s/containerd.sock k0s
	if has rke2 || [ -d /var/lib/rancher/rke2 ]; then
		tell_containerd rke2 /run/k3s/containerd/containerd.sock /var/lib/rancher/rke2/bin/ctr
	else
		tell_containerd k3s /run/k3s/containerd/containerd.sock k3s
	fi
	tell_containerd microk8s /var/snap/microk8s/common/run/containerd.sock microk8s
	put_program lxc lxc-start
	for name in "qemu-system-$(uname -m)" qemu-system-x86_64 qemu-system-aarch64 qemu-kvm \
		/usr/libexec/qemu-kvm; do
		put_program qemu "$name" && break
	done
	put_program virsh virsh
	[ -c /dev/kvm ] && if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then put kvm yes; else put kvm no; fi
	[ -d /run/systemd/system ] &&
		put systemd "$(limited systemctl show -p Version -p SystemState -p NFailedUnits)"
	for name in apt-get dnf yum zypper pacman apk opkg xbps-install emerge pkg pkg_add brew nix-env; do
		has "$name" && put packages "$name" && break
	done
}

tell_versions() {
	for name in docker podman containerd k0s k3s lxc-start virsh; do
		has "$name" && put "version.$name" "$(limited "$name" --version)"
	done
}

tell_account() {
	put id "$(id)"
	put shell "$SHELL"
	put home "$HOME"
	if [ -d "$HOME" ] && [ -w "$HOME" ]; then put home.writable yes; else put home.writable no; fi
	for name in sudo doas; do
		if ! has $name; then
			put "become.$name" absent
		elif limited $name -n true </dev/null >/dev/null; then
			put "become.$name" yes
			[ $name = sudo ] && sudo_works=yes
		else
			put "become.$name" no
		fi
	done
}

# The effective settings where root can be had, what the files say where not.
tell_sshd() {
	program=$(command -v sshd) || program=/usr/sbin/sshd
	case $sudo_works in yes) set -- sudo -n "$program" -T ;; *) set -- "$program" -T ;; esac
	if said=$(limited "$@" | grep -E '^max(sessions|startups) '); then
		put sshd.effective "$said"
		return
	fi
	for file in /etc/ssh/sshd_config.d/*.conf /etc/ssh/sshd_config; do
		[ -r "$file" ] &&
			put sshd.file "$(grep -iE '^[[:space:]]*(max(sessions|startups)|match)' "$file")"
	done
}

tell_unit() {
	put unit "$1"
	plain=${1%.service}
	if [ -d /run/systemd/system ]; then
		put unit.systemd "$(limited systemctl show -p LoadState -p ActiveState -p SubState \
			-p ActiveEnterTimestampMonotonic -- "$1")"
		return
	elif has rc-service; then
		set -- /etc/init.d rc-service "$plain" status
	elif has rcctl; then
		set -- /etc/rc.d rcctl check "$plain"
	elif [ -d /etc/init.d ] && has service; then
		set -- /etc/init.d service "$plain" status
	elif has service && [ -e "/etc/rc.d/$plain" ]; then
		set -- /etc/rc.d service "$plain" onestatus
	elif has service; then
		set -- /usr/local/etc/rc.d service "$plain" onestatus
	elif [ -d /etc/init.d ]; then
		set -- /etc/init.d "/etc/init.d/$plain" status
	else
		put unit.unknown init
		return
	fi
	if [ -e "$1/$plain" ]; then
		shift
		limited "$@" </dev/null >/dev/null
		put unit.code $?
	else
		put unit.unknown unit
	fi
}

put towline-facts 1
sudo_works=
has_timeout=
wants clock && put clock "$(date '+%s.%N')"
timeout 2 true && has_timeout=yes
if [ -r /proc/sys/kernel/osrelease ]; then system_linux; else system_other; fi
wants disk && tell_disks
wants gpu && tell_gpus
wants runs && tell_runs
wants versions && tell_versions
wants account && tell_account
wants sshd && tell_sshd
for name; do tell_unit "$name"; done
put end 1
