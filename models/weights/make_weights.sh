#!/usr/bin/env bash
# The chain of the tiny weights, end to end; `make weights` runs it. Every long step continues after a kill. How the shipped
# ones came about in rounds: docs/tiny_models.md.
# SCALE=1 takes some five and a half hours on two cores (summed from the rates of its steps). SCALE=0.01 tries it out in six minutes; it may stop
# at the pairs with status 1, where the filters turn down the clips of a teacher that has learned nothing. Nothing here reads a truth.
set -euo pipefail
run=${ACTORFORGE:-.venv/bin/actorforge} work=${WORK:-out/weights} scale=${SCALE:-1} workers=${WORKERS:-2}
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-2}  # threads of one training process; workers always use one each
compiled=$(command -v g++ > /dev/null && echo --compiled || true)  # a fifth less time a step where there is a compiler
scaled() { python3 -c "print(max(1, round($1 * $scale)))"; }

# footage: people (they also teach the pose estimator), and everybody (people included)
"$run" world --split train --subjects human --clips "$(scaled 1600)" --size 48 --seed 1 --out "$work/people/a"
"$run" world --split train --subjects human --clips "$(scaled 2400)" --size 48 --seed 4 --out "$work/people/b"
"$run" world --split train --clips "$(scaled 2400)" --size 48 --seed 2 --out "$work/everybody"

# 1. a pose estimator of people, 2. the foundation model's stand-in, 3. the pose-driven teacher
"$run" train --recipe tiny_pose_estimator --data "$work/people" --steps "$(scaled 4000)" --out "$work/tiny_pose_estimator"
"$run" train --recipe tiny_prior --data "$work/everybody" --steps "$(scaled 9000)" --out "$work/tiny_prior" $compiled
"$run" train --recipe tiny_pose --data "$work/people" --init "$work/tiny_prior" --estimator "$work/tiny_pose_estimator" \
  --steps "$(scaled 9000)" --out "$work/tiny_pose" $compiled

# 4. pairs: the motion of real people on identities of every kind becomes the driver, the real clip stays the target
"$run" synthesize --driving "$work/people" --references "$work/everybody" --teacher "$work/tiny_pose" --num-frames 12 \
  --limit "$(scaled 3000)" --seed 3 --workers "$workers" --out "$work/pairs"

# 5. the end-to-end model, from the pose-driven one, on those pairs alone
"$run" train --recipe tiny_e2e --data "$work/pairs" --init "$work/tiny_pose" --steps "$(scaled 6000)" --out "$work/tiny_e2e" $compiled

if [ "${PUBLISH:-0}" = 1 ]; then
  for name in tiny_prior tiny_pose tiny_e2e; do
    mkdir -p "models/weights/$name"
    cp "$work/$name/model.safetensors" "$work/$name/animator.json" "models/weights/$name/"
    [ -d "$work/$name/pose_estimator" ] && cp -r "$work/$name/pose_estimator" "models/weights/$name/"
  done
  mkdir -p models/weights/tiny_pose_estimator
  cp "$work"/tiny_pose_estimator/{model.safetensors,estimator.json} models/weights/tiny_pose_estimator/
fi
echo "weights in $work"
