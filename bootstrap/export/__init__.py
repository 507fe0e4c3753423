"""A dataset as the folders that other trainers read.

samples of the shards ──▶ files and rows of a format (`formats`) ──▶ folder, resumable (`folder`)
"""
