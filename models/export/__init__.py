"""A checkpoint as others take it: LoRA files for diffusers and ComfyUI, a model card, a pipeline object for Python.

Who else must know: a new backbone family is one line of `layouts.LAYOUTS`.
"""
