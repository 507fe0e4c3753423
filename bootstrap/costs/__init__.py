"""What a dataset will cost before a pair is made: how many pairs (`pairs`), tokens (`tokens`), seconds and bytes of one (`rates`), all
together (`estimate`), as text (`told`).
"""
