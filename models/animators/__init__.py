"""Animators by name: weight-free baselines, the tiny models, and any checkpoint folder."""
