"""One module per metric: a function of `Evidence` with a name, version, range and dimension."""
