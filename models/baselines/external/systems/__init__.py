"""One YAML a repository; `docs/external_contract.md` says what stands in them."""
