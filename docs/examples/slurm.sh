#!/bin/bash
#SBATCH --job-name=actorforge --nodes=4 --ntasks-per-node=1 --gpus-per-node=8 --cpus-per-task=64 --time=24:00:00 --requeue
set -euo pipefail
cd "$HOME/actorforge" && source .venv/bin/activate # this source with its environment, on a disk that every node has
mkdir -p ~/.ray && { [ -s ~/.ray/auth_token ] || ray get-auth-token --generate > /dev/null; }
export RAY_AUTH_MODE=token RAY_ADDRESS="$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1):6379"
srun ray symmetric-run --address "$RAY_ADDRESS" --min-nodes "$SLURM_JOB_NUM_NODES" -- \
  actorforge synthesize --driving clips/ --references characters/ --teacher pose/ --out pairs/ \
  --gpu-workers 32 --cpu-workers 200 --timeout 900
