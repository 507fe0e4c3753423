"""Media as people bring them: where they lie, and what is said of them beside them. Suites and the factory read both by this one road."""
