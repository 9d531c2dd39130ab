# SPDX-License-Identifier: GPL-2.0
# The mechanics behind Makefile: build the programs, tell the groups.

TOP	:= $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/..)
OUT	?= $(TOP)/build/selftests
KSRC	?= $(shell $(TOP)/scripts/linux-source.sh)

CFLAGS	?= -O2 -g
CFLAGS	+= -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -Wno-sign-compare
CFLAGS	+= -D_GNU_SOURCE -I$(TOP)/uapi -I$(TOP)/selftests -I$(KSRC)/tools/testing/selftests

PROGS	:= $(TEST_GEN_PROGS) $(TEST_GEN_PROGS_VIRTUAL) $(TEST_GEN_FILES)
BIN	:= $(addprefix $(OUT)/,$(PROGS))

.PHONY: all list clean
all: $(BIN)

$(OUT)/flow_lwip: CFLAGS += -I/usr/include/lwip
$(OUT)/flow_lwip: LDLIBS := -llwip
$(OUT)/flow_lwip: flow.c

$(OUT)/%: %.c $(wildcard *.h) $(wildcard $(TOP)/uapi/linux/*.h)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -o $@ $< -pthread $(LDLIBS)

# The other end of the wire, in every program of wire/.
$(OUT)/wire/%: wire/%.c wire/wire.c $(wildcard wire/*.h *.h) $(wildcard $(TOP)/uapi/linux/*.h)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -o $@ $< wire/wire.c -pthread

# make list GROUP=wall|virtual|debug|debug-virtual|unlisted
wall		:= $(TEST_GEN_PROGS) $(TEST_PROGS)
virtual		:= $(TEST_GEN_PROGS_VIRTUAL) $(TEST_PROGS_VIRTUAL)
debug		:= $(TEST_DEBUG)
debug-virtual	:= $(TEST_DEBUG_VIRTUAL)
unlisted	:= $(filter-out $(TEST_PROGS) $(TEST_PROGS_VIRTUAL) $(TEST_FILES) \
		   $(addsuffix .c,$(PROGS)),$(wildcard *.c *.sh wire/wire_*.c))
list:
	@for t in $($(GROUP)); do echo $$t; done

clean:
	rm -rf $(OUT)
