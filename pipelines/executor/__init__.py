"""Independent items of work on pools of worker processes: the only Ray code of the project, and it knows nothing of what an item is.

pools.py     the words: Pool, Hop, Policy, Lost
inline.py    the same line in this process, without Ray
actors.py    the same line on Ray actors
slots.py     how many workers a pool still gets
health.py    which worker is ill, and when a run is to stop: pure decisions
session.py   a local Ray session, or the cluster that is joined
"""
