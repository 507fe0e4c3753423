"""Animators without weights: the floors that every trained animator has to beat, and the door for other systems' videos."""
