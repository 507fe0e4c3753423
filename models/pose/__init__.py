"""Skeletons: what they are, how they are drawn, disturbed and estimated."""
