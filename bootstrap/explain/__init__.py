"""Where one pair of a dataset comes from: what its records say (`found`), as text (`told`), and the pair made once more (`remake`)."""
