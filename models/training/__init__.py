"""From an iterable of training examples to a checkpoint folder, which is an animator."""
