# Checks of the tree, and what editors want.

.PHONY: check-layers ratchet compile_commands.json

check-layers: ## hold includes and symbols against LAYERS (the symbols of what is built)
	@tools/check-layers . $(VM)

ratchet: ## long functions and files may not get longer
	@tools/ratchet .

# Every kernel source with the flags it is compiled with; the flags come from the make variables, so the
# file is right for this CC.
compile_commands.json: $(ABI_INC)/.done ## for clangd and clang-tidy
	@{ sep='['; for f in $(filter %.c,$(KSRC)); do \
		printf '%s\n{"directory": "%s", "file": "%s", "command": "%s"}' \
			"$$sep" "$(CURDIR)" "$$f" "$(CC) $(KFLAGS) -c $$f"; \
		sep=','; \
	done; printf '\n]\n'; } > $@.tmp && mv $@.tmp $@
	@echo "  WROTE $@"
