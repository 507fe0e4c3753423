"""Learned metrics: functions of `Evidence` and of models of your own on disk. Nothing is ever fetched, nothing unpickled by us.

    models.py      LearnedModels: where the models lie, checked at once      files.py   which files of a folder decide, and their mark
    metric.py      LearnedMetric: a metric that is bound to models           subject.py the crop that shows the subject
    open_clip_model.py  dino_model.py  lpips_network.py  keypoints.py        one loader each; torch is imported inside them only
    clip_iqa.py  clip_appearance.py  clip_t.py  dino_i.py  lpips.py  onnx_iqa.py  pose_agreement.py    one metric each
    fvd.py         a number of two sets of clips, never of a case

Who else must know of a new one: `awbench.catalog.METRICS`; for a new kind of model also `LearnedModels`, `files` and the flags of `score`.
"""
