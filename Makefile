# make demo    see it: three SSH nodes on loopback, and a walk through them
# make test    check it: formatting, lints, all tests, also on real nodes in containers
# make bench   measure it, beside pdsh, clush, pssh and ansible
# make help    these lines
#
# ARGS is handed on: make demo ARGS=--stay. Debian packages that are missing are installed.

.POSIX:
.PHONY: help demo test bench

help:
	@sed -n 's/^# \{0,1\}//p; /^$$/q' Makefile

demo:
	@scripts/install-packages.sh @scripts/packages/build.txt
	@cargo build --quiet --package towline-cli
	@cargo run --quiet --package towline-cli -- demo $(ARGS)

test:
	@scripts/install-packages.sh @scripts/packages/build.txt @scripts/packages/test.txt \
		@scripts/packages/testbed.txt
	@scripts/test.sh

bench:
	@scripts/install-packages.sh @scripts/packages/build.txt @scripts/packages/bench.txt
	@cargo xtask bench exec $(ARGS)
