"""What turns (reference image, driving clip) into a clip. Knows no datasets, shards, benchmarks or Ray."""
