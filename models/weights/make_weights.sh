#!/usr/bin/env bash
# The chain of the tiny models by the commands a user has; `make weights` runs it. Every long step continues after a kill. It wants a GPU: on two
# cores the same steps take weeks. SCALE=0.001 tries it out; it may stop at the pairs with status 1, where the filters turn down the
# clips of a teacher that has learned nothing. Nothing here reads a truth. In minutes of one GPU: tests/benchmarks/gpu/tiny_models.py.
set -euo pipefail
run=${ACTORFORGE:-.venv/bin/actorforge} work=${WORK:-out/weights} scale=${SCALE:-1} workers=${WORKERS:-2}
scaled() { python3 -c "print(max(2, round($1 * $scale)))"; }

# footage: people, and everybody (people included)
"$run" world --split train --subjects human --clips "$(scaled 6000)" --size 64 --seed 1 --out "$work/people"
"$run" world --split train --clips "$(scaled 8000)" --size 64 --seed 2 --out "$work/everybody"

# 1. the foundation model's stand-in, 2. the pose-driven teacher
"$run" train --recipe tiny_prior --data "$work/everybody" --steps "$(scaled 30000)" --out "$work/tiny_prior"
"$run" train --recipe tiny_pose --data "$work/people" --init "$work/tiny_prior" --steps "$(scaled 30000)" --out "$work/tiny_pose"

# 3. pairs: the motion of real people on identities of every kind becomes the driver, the real clip stays the target
"$run" synthesize --driving "$work/people" --references "$work/everybody" --teacher "$work/tiny_pose" --num-frames 16 \
  --limit "$(scaled 6000)" --seed 3 --workers "$workers" --out "$work/pairs"

# 4. the end-to-end model, from the pose-driven one, on those pairs alone
"$run" train --recipe tiny_e2e --data "$work/pairs" --init "$work/tiny_pose" --steps "$(scaled 30000)" --out "$work/tiny_e2e"
echo "checkpoints in $work"
