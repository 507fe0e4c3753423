"""Systems behind an HTTP service: one job machine, one module a provider. Nothing is contacted that the user has not named."""
