"""Suites: folders with a suite.yaml, and recipes over the procedural world."""
