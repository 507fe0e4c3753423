"""Animators without weights: the floor that every trained animator has to beat, and the door for other systems' videos."""
