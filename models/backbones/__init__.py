"""Adapters from a canvas to a denoising network, one file per family."""
