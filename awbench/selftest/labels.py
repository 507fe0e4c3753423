"""Short names of metrics, for the heads of tables and pictures: `LABELS.get(metric, metric)`."""

LABELS = {
    "imaging_quality": "imaging",
    "motion_smoothness": "smoothness",
    "temporal_consistency": "temporal",
    "appearance_consistency": "appearance",
    "motion_fidelity": "motion",
    "psnr_subject": "psnr subject",
    "driver_leak": "leak",
}
