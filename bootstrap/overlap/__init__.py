"""What a benchmark and the data somebody trained on have in common.

facts of a suite (`suite`) and of the data (`data`) ──▶ what both hold (`shared`) ──▶ lines that tell it (`against`)
"""
