# domfs: objects of each kind of build live in a folder of their own below build/.
ifeq ($(origin CC),default)
CC := gcc
endif
CFLAGS ?= -O2 -g
BUILD ?= build
PREFIX ?= /usr
VERSION := 0.1

LIBS := fuse3 jansson libxxhash libnl-route-3.0 libnl-3.0 libsystemd
WARN := -Wall -Wextra -Wshadow -Werror
CPPFLAGS += -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -Iinclude -I.
ALL_CFLAGS = -std=c17 $(WARN) $(CFLAGS) $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
ALL_LIBS = $(shell pkg-config --libs $(LIBS) 2>/dev/null) -pthread

OBJ := $(BUILD)/$(or $(KIND),obj)
FOLDERS := fs hypervisor/base hypervisor/config hypervisor/model backends/qemu backends/sim

# The Xen backend is built where libxl is (package libxen-dev).
XEN_LIBS := xenlight xlutil xencontrol xenguest xenstore xentoollog
XEN := $(shell pkg-config --exists $(XEN_LIBS) 2>/dev/null && echo yes)
ifeq ($(XEN),yes)
FOLDERS += backends/xen
LIBS += $(XEN_LIBS)
CPPFLAGS += -DHAVE_XEN
endif

SRC := $(sort $(wildcard $(addsuffix /*.c,$(FOLDERS))))
LIB := $(OBJ)/libdomfs.a
LIB_OBJ := $(patsubst %.c,$(OBJ)/%.o,$(filter-out fs/main.c,$(SRC)))
UNIT_SRC := $(sort $(filter-out $(if $(filter yes,$(XEN)),,tests/unit/test_xen_%),$(wildcard tests/unit/test_*.c)))
UNITS := $(patsubst %.c,$(OBJ)/%,$(UNIT_SRC))
DOMFS := $(if $(KIND),$(OBJ)/domfs,$(BUILD)/domfs)
GUEST := $(BUILD)/guest

.PHONY: FORCE all run stop guest deps check check-unit check-mount check-guest check-xen check-xen-pvh check-xen-hvm asan tsan fuzz lint layers format format-check doc \
	cover install uninstall clean
.DELETE_ON_ERROR:
.SECONDARY:

all: $(DOMFS)

$(DOMFS): $(OBJ)/fs/main.o $(LIB)
	@echo LD $@
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(ALL_LIBS)

$(LIB): $(LIB_OBJ)
	@rm -f $@
	@ar qcs $@ $(LIB_OBJ)

# Says "yes" or "no", and is written when that changes: then what knows of Xen is made anew.
$(OBJ)/fs/main.o $(LIB): $(OBJ)/libxl
$(OBJ)/libxl: FORCE
	@mkdir -p $(@D)
	@echo $(or $(XEN),no) | cmp -s - $@ || echo $(or $(XEN),no) >$@

$(OBJ)/%.o: %.c
	@mkdir -p $(@D)
	@echo CC $<
	@$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# What several tests share: tests/unit/fake_*.c.
FAKE := $(OBJ)/libfake.a
$(FAKE): $(patsubst %.c,$(OBJ)/%.o,$(sort $(wildcard tests/unit/fake_*.c)))
	@rm -f $@
	@ar qcs $@ $^

$(OBJ)/tests/unit/%: $(OBJ)/tests/unit/%.o $(FAKE) $(LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(ALL_LIBS) -lcmocka

$(OBJ)/tests/unit/test_xen_call: ALL_LIBS += $(if $(filter yes,$(XEN)),-lxentoolcore)

-include $(shell [ -d $(OBJ) ] && find $(OBJ) -name '*.d')

# ---- to use ----

deps:
	tools/install-deps build run guest

run: deps
	$(MAKE) all guest
	tools/demo start $(DOMFS) $(abspath $(GUEST))

stop:
	tools/demo stop $(DOMFS) $(abspath $(GUEST))

guest: $(GUEST)/initramfs.gz

$(GUEST)/initramfs.gz: tools/make-guest $(wildcard tools/guest/* tools/guest/*/*)
	tools/make-guest $(GUEST)

# ---- to test: each prints its cases and closes with "N passed, N failed, N skipped" ----

check:
	tools/install-deps build run test
	$(MAKE) all $(OBJ)/units
	tests/run unit $(OBJ) mount $(DOMFS)

check-unit: $(OBJ)/units
	tests/run unit $(OBJ)

check-mount: all
	tests/run mount $(DOMFS)

check-guest:
	tools/install-deps build run guest test
	$(MAKE) all guest
	GUEST=$(abspath $(GUEST)) tests/run guest $(DOMFS)

.PHONY: xen-lab
xen-lab:
	tools/install-deps build guest xen
	$(MAKE) all guest
	tools/xen-lab build $(BUILD)/xen $(GUEST)
	tools/xen-lab make $(BUILD)/xen

check-xen check-xen-pvh check-xen-hvm: xen-lab
	LAB=$(abspath $(BUILD))/xen tests/run $(@:check-%=%) $(DOMFS)

# ---- to measure ----

BENCH := $(patsubst %.c,$(OBJ)/%,$(filter-out bench/heap.c,$(sort $(wildcard bench/*.c)))) $(OBJ)/bench/heap.so

.PHONY: bench bench-tools
bench:
	tools/install-deps build run guest bench
	$(MAKE) all guest bench-tools
	DOMFS=$(DOMFS) GUEST=$(GUEST) TOOLS=$(OBJ)/bench OUT=$(BUILD)/bench.json bench/run

bench-tools: $(BENCH)

$(OBJ)/bench/%: $(OBJ)/bench/%.o
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(ALL_LIBS)

$(OBJ)/bench/heap.so: bench/heap.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -fPIC -shared -o $@ $< -pthread

.PHONY: $(OBJ)/units
$(OBJ)/units: $(UNITS)

SANITIZE_address := -fsanitize=address,undefined -fno-sanitize-recover=all
SANITIZE_thread := -fsanitize=thread
sanitized = $(MAKE) KIND=$(1) CFLAGS='-O1 -g -fno-omit-frame-pointer $(SANITIZE_$(1))' $(2)

asan:
	tools/install-deps build run test
	$(call sanitized,address,all $(BUILD)/address/units)
	SLOW=5 tests/run unit $(BUILD)/address mount $(BUILD)/address/domfs

tsan:
	tools/install-deps build run test
	$(call sanitized,thread,all $(BUILD)/thread/units)
	SLOW=5 setarch -R tests/run unit $(BUILD)/thread mount $(BUILD)/thread/domfs

FUZZ_SECONDS ?= 60
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
fuzz:
	tools/install-deps build lint
	$(MAKE) KIND=fuzz CC=clang CFLAGS='-O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all' \
		$(addprefix $(BUILD)/fuzz/,$(FUZZERS))
	for f in $(FUZZERS); do mkdir -p $(BUILD)/corpus/$$f && $(BUILD)/fuzz/$$f -max_total_time=$(FUZZ_SECONDS) \
		-artifact_prefix=$(BUILD)/corpus/ -close_fd_mask=1 $(BUILD)/corpus/$$f || exit 1; done

$(BUILD)/fuzz/fuzz_%: $(BUILD)/fuzz/tests/fuzz/fuzz_%.o $(LIB)
	$(CC) $(CFLAGS) -fsanitize=fuzzer -o $@ $^ $(ALL_LIBS)

# ---- to keep it right ----

C_FILES = $(shell git ls-files '*.c' '*.h')

lint: layers
	tools/install-deps build test lint
	tools/lint $(BUILD)

layers:
	tools/layers

format:
	clang-format -i $(C_FILES)

format-check:
	clang-format --dry-run --Werror $(C_FILES)

doc: $(BUILD)/domfs.5 $(BUILD)/domfs.8

$(OBJ)/print-tables: $(OBJ)/tools/print-tables.o $(LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(ALL_LIBS)

$(BUILD)/domfs.%: $(OBJ)/print-tables doc/domfs.%.in
	$(OBJ)/print-tables $* doc/domfs.$*.in >$@

install: all doc
	install -D $(DOMFS) $(DESTDIR)$(PREFIX)/sbin/domfs
	install -D examples/vm $(DESTDIR)$(PREFIX)/bin/vm
	install -D -m 644 $(BUILD)/domfs.8 $(DESTDIR)$(PREFIX)/share/man/man8/domfs.8
	install -D -m 644 $(BUILD)/domfs.5 $(DESTDIR)$(PREFIX)/share/man/man5/domfs.5
	install -D -m 644 -t $(DESTDIR)/lib/systemd/system tools/domfs.service tools/domfs-guests.service

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/sbin/domfs $(DESTDIR)$(PREFIX)/bin/vm $(DESTDIR)$(PREFIX)/share/man/man8/domfs.8 \
		$(DESTDIR)$(PREFIX)/share/man/man5/domfs.5 $(DESTDIR)/lib/systemd/system/domfs.service \
		$(DESTDIR)/lib/systemd/system/domfs-guests.service

clean:
	rm -rf $(BUILD)
