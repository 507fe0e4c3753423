"""The shipped tiny models of 48 px: a learned flow warp around a canvas, not the method. For inference only.

They bend the reference by estimated displacements in place of painting it in a new pose, and nothing learned on them carries
over to a real backbone. Nothing outside this folder knows how they work (`models.animators.load` knows the class by its name);
they leave as soon as plain weights of the same names (`models.backbones.tiny`) look better.
"""
