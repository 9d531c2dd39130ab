# SPDX-License-Identifier: GPL-2.0
# For people; kbuild reads Kbuild. The work is done by scripts/.

# The running kernel, the one of KDIR=, or KVER= itself
ifdef KDIR
KVER	?= $(or $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' \
		"$(KDIR)/include/generated/utsrelease.h" 2>/dev/null),$(shell uname -r))
else
KVER	?= $(shell uname -r)
KDIR	:= /lib/modules/$(KVER)/build
endif
DESTDIR	?=
PREFIX	?= /usr/local
MODROOT	= $(or $(INSTALL_MOD_PATH),$(DESTDIR))
MODDIR	= $(MODROOT)/lib/modules/$(KVER)/updates
INCDIR	= $(DESTDIR)$(PREFIX)/include/linux

.DEFAULT_GOAL := module
.PHONY: module tools demo check check-debug check-kcsan bench bench-netem conformance unit lint
.PHONY: install uninstall dkms clean help

module:		## build ./xtcp.ko for the running kernel, or KDIR=
	@scripts/need-headers.sh "$(KDIR)"
	@ko=$$(scripts/build-module.sh "$(KDIR)" local) && cp "$$ko" xtcp.ko && echo "built xtcp.ko"
	@scripts/build-example.sh "$(KDIR)" local >/dev/null

tools:		## build tools/ (xtcp_run)
	@$(MAKE) -s -C tools

demo:		## the seed's server in the test machine, step by step
	@scripts/demo/run.sh

check:		## style, unit tests, the suite, a short suite in the debug kernel
	@scripts/check.sh

check-debug:	## the suite in a kernel with KASAN, lockdep, kmemleak, UBSAN
	@scripts/check.sh debug

check-kcsan:	## the suite, as far as it needs two CPUs, in a kernel that sees data races
	@scripts/check.sh kcsan

bench:		## against the kernel's TCP, virtual time; build/bench.json
	@scripts/bench.sh

bench-netem:	## goodput on bad paths against the kernel's TCP; build/bench-netem.json
	@scripts/bench-netem.sh

conformance:	## totals of selftests/conformance.tsv
	@scripts/conformance.sh

unit:		## unit tests of the pure files, ASan and UBSan
	@scripts/check.sh unit

lint:		## checkpatch, W=1, sparse, shellcheck, layers
	@scripts/check.sh lint

install: module tools	## module, tools, manual page, headers (DESTDIR= PREFIX= INSTALL_MOD_PATH=)
	install -D -m 644 xtcp.ko "$(MODDIR)/xtcp.ko"
	install -D -m 644 -t "$(INCDIR)" uapi/linux/*.h
	@$(MAKE) -C tools install DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)"
	@test -n "$(MODROOT)" || depmod "$(KVER)"

uninstall:	## what install has put there
	rm -f "$(MODDIR)/xtcp.ko" $(patsubst uapi/linux/%,"$(INCDIR)/%",$(wildcard uapi/linux/*.h))
	@$(MAKE) -C tools uninstall DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)"
	@test -n "$(MODROOT)" || depmod "$(KVER)"

dkms:		## hand the module to DKMS, which rebuilds it for each kernel (KVER=)
	@scripts/dkms.sh $(KVER)

clean:		## remove build/ and xtcp.ko; the cache outside stays
	rm -rf build xtcp.ko
	@$(MAKE) -s -C tools clean

help:		## this list
	@awk -F ':.*## *' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "scripts/vm.sh --help: run a command in the test machine"
