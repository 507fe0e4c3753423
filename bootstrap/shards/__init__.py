"""Training shards: plain WebDataset tars, written byte-reproducibly and read through a decode allow-list."""
