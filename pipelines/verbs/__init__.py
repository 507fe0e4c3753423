"""The verbs of the command line, one module each: arguments are the flags, the result is the exit status.

`pipelines.verbs.NAME.NAME` is the verb NAME. It imports what it needs when it runs, so that `--help` answers at once; the work
itself is in `pipelines/NAME.py` or below. A new verb is a module here and a line of `SUMMARIES` in `pipelines/cli.py`.
"""
