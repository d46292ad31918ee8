# `make test`: everything, side by side where the processors allow; each part's log is build/test/PART.log.
# TEST_PARTS: some parts only; tests/run lists them.

test: ## run all tests; the last line says how many passed and failed
	@tools/setup run test
	@tests/run $(TEST_PARTS)

.PHONY: test
