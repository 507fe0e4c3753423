"""Adapters from a canvas to a denoising network, one file per family.

A new family is one file and one line of `models.backbones.families`; canvas, sampler, animator and training loop know none.
"""
