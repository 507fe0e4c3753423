"""The judge: a multimodal model that scores answers 1-5 by rubrics, or says which of two is better.

    judge = Judge(model="Qwen/Qwen3-VL-8B-Instruct", protocol="actorforge")
    client = Client(endpoint, None, log=RunLogs([run.path for run in runs]))
    judge_runs(runs, judge, client, dimensions=("imaging_quality",), samples=3)

`rubrics` (data in rubrics.yaml) says what is asked, `frames` which frames are shown, `questions` the texts and schemas, `protocols` who is
shown with whom in one call, `asking` puts the calls on threads, `calls` is the log of a run (`judge/calls.jsonl`), the one thing kept;
`answers` and `pairwise` read it, `rows` makes score rows of it, `work` is the straight line. `identity` names a judge, `plants` and
`selftest` test one, `estimate` tells the price before. The client is `models.mllm`.

    RUN/judge/calls.jsonl       append-only: every call, what was asked (hash), said, cost; scores are computed from it alone
    RUN/judge/judges.json       the judges used, the last one of each dimension is current
    RUN/judge/answers.parquet   case, metric, sample, score, rationale, status (read with `awbench.judging.answers.read_answers`)
    RUN/judge/pairwise.parquet  verdicts against a baseline (read with `awbench.judging.pairwise.read_pairwise`)
    RUN/judge/selftest.json     how the judge did on planted answers (read with `awbench.judging.selftest_result.read_selftest`)

A refusal, a reply that cannot be read and an endpoint that does not serve are three reasons to be unscored, never a number. Whoever
adds a dimension writes it into rubrics.yaml, `metrics` and the table of `awbench.catalog`.
"""
