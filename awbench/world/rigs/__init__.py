"""Body plans: each module turns a seed into a character that any motion programme can drive."""
