"""Pipelines of diffusers over local folders of weights, run in this process."""
