"""Other people's repositories, each in a process and an environment of its own, spoken to in JSON."""
