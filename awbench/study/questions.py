"""What raters are asked of two videos: `overall` first, before details colour it."""

from __future__ import annotations

QUESTIONS = (
    {"id": "overall", "text": "Overall, which is better?", "hint": "the one from the picture, moving as the driver does"},
    {"id": "imaging", "text": "Which video is cleaner?", "hint": "sharp, no flicker, no smears, no broken parts"},
    {"id": "motion", "text": "Which follows the driver's motion better?", "hint": "pose, timing, face; natural, not jerky or frozen"},
    {
        "id": "appearance",
        "text": "Which keeps the look of the picture better?",
        "hint": "face, hair, clothes, background; from first to last frame",
    },
)
