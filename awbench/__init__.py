"""The referee: suites, a procedural world with ground truth, metrics, runs, statistics and the report."""
