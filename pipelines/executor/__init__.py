"""Independent items of work on pools of worker processes: the only Ray code of the project, and it knows nothing of what an item is.

pools.py     the words: Pool, Hop, Policy, Lost
run.py       run_pools, run_items: what others call
inline.py    the line in this process, without Ray
loop.py      the line on Ray, with stock.py (items), crew.py (what becomes of workers), actors.py and worker.py (processes), slots.py (how
             many of them), waiting.py, recycling.py, causes.py, voice.py (what is said)
health.py    which worker is ill, and when a run is to stop: pure decisions
session.py   a local Ray session, or the cluster that is joined; source.py: the same code everywhere; threads.py, meters.py
"""
