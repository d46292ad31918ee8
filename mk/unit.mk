# Unit tests: `make unit` builds every tests/unit/<dir>/test_*.c with AddressSanitizer and UBSan and runs all.
#
# A test is one program: cmocka, the test file, and the sources that it tests.  All of base/ is linked
# into each (as an archive, so a test can replace one of its files by naming it).  A test of another
# directory names its sources, and stubs for what lies below them, in tests/unit/<dir>/unit.mk:
#
#	UNIT_SRC_kern/test_timer := kern/timer.c tests/unit/kern/stubs.c
#	UNIT_FLAGS_kern/test_timer := -DSOMETHING		(optional)
#	UNIT_LIBS_kern/test_timer := -lpthread			(optional)
#
# Rules for the tests: a fixed seed (tests/unit/unit.h has a generator), a model that is simpler than what is
# tested, every allocation failed in turn where there are any; a test file mirrors the path of its source.
# Sources see the Linux ABI headers and the C library's; base/string.c stands beside the C library's
# functions under a prefix (base_memcpy).
#
#	make unit				all
#	make unit UNIT_ONLY=base/test_list	one, or several; a pattern with %

UNIT := $(BUILD)/tests/unit
UNIT_SANITIZE ?= -fsanitize=address,undefined -fno-sanitize-recover=all
UNIT_CFLAGS := -std=gnu11 -O1 -g $(UNIT_SANITIZE) \
	-fno-omit-frame-pointer -fno-strict-aliasing -fno-common -I. $(WARN)

UNIT_ONLY ?= %
UNIT_NAMES := $(filter $(UNIT_ONLY),$(patsubst tests/unit/%.c,%,$(sort $(wildcard tests/unit/*/test_*.c tests/unit/*/*/test_*.c))))
UNIT_BINS := $(addprefix $(UNIT)/,$(UNIT_NAMES))

UNIT_BASE_SRC := $(wildcard base/*.c)
UNIT_BASE_OBJ := $(patsubst %.c,$(UNIT)/obj/%.o,$(UNIT_BASE_SRC))

-include $(wildcard tests/unit/*/unit.mk)

$(UNIT)/obj/base/string.o: UNIT_EXTRA := -DBASE_STRING_PREFIX -fno-builtin
$(UNIT)/obj/%.o: %.c
	@mkdir -p $(@D)
	@$(CC) $(UNIT_CFLAGS) $(UNIT_EXTRA) $(DEPS) -c $< -o $@ && $(DEPS_KEEP)

$(UNIT)/obj/base.a: $(UNIT_BASE_OBJ)
	@rm -f $@
	@ar rcs $@ $^

# The sources of a test that are not base/'s are compiled for it alone, with its flags.  What they depend on the compiler is asked for: while it
# compiles several, each one's list takes the place of the one before.
define unit_program
$(UNIT)/$(1): tests/unit/$(1).c $(UNIT_SRC_$(1)) $(UNIT)/obj/base.a
	@mkdir -p $$(@D)
	@$$(CC) $$(UNIT_CFLAGS) $(UNIT_FLAGS_$(1)) -MM -MP -MT $$@ tests/unit/$(1).c $(UNIT_SRC_$(1)) >$$@.deps && mv $$@.deps $$@.d
	@$$(CC) $$(UNIT_CFLAGS) $(UNIT_FLAGS_$(1)) -o $$@ tests/unit/$(1).c \
		$(UNIT_SRC_$(1)) $(UNIT)/obj/base.a -lcmocka $(UNIT_LIBS_$(1))
endef
$(foreach t,$(UNIT_NAMES),$(eval $(call unit_program,$(t))))

.PHONY: unit unit-build
unit-build: $(UNIT_BINS)

unit: $(UNIT_BINS) ## run the unit tests
	@tests/unit/run $(UNIT) $(UNIT_NAMES)

-include $(UNIT_BASE_OBJ:.o=.d) $(UNIT_BINS:=.d)
