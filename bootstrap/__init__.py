"""The factory: sources, pairing, synthesis, filters and shards of cross-identity training pairs."""
