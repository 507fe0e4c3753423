"""The wiring: the command line, the recipes and the only Ray code of the project."""
