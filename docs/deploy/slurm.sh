#!/usr/bin/env bash
# One job: a scheduler, workers on every other task, and the map. Run from the checkout, which all nodes share:
#   sbatch docs/deploy/slurm.sh balochistan
#SBATCH --job-name=prospect
#SBATCH --ntasks=8
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=4G
#SBATCH --time=08:00:00
set -euo pipefail

region=${1:?name a region}
address="$PWD/.dask-scheduler-${SLURM_JOB_ID:-$$}.json"
trap 'kill $(jobs -p) 2>/dev/null || true; rm -f "$address"' EXIT

.venv/bin/dask scheduler --scheduler-file "$address" --port 0 --no-dashboard &
srun --ntasks="$((${SLURM_NTASKS:-2} - 1))" .venv/bin/dask worker --scheduler-file "$address" --nthreads 1 --no-dashboard &
until [ -s "$address" ]; do sleep 1; done
.venv/bin/prospect map "$region" --scheduler "$(.venv/bin/python -c 'import json, sys; print(json.load(open(sys.argv[1]))["address"])' "$address")"
