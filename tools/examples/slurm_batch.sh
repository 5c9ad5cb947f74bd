#!/bin/sh
# Many machines on one tree and one store (a folder that all of them see, or postgresql:// with --results):
#   slurm_batch.sh ROOT STORE SHARDS [more options of iqgate batch]
# An array of shards, then one job over all, whatever became of the shards: it measures what they left, and its exit code is
# that of the whole. (afterok would wait for ever when a shard fails.)
set -eu
root=$1 store=$2 shards=$3
shift 3
iqgate=${IQGATE:-iqgate}
array=$(sbatch --parsable --array="1-$shards" --job-name=iqgate --output="$store-%a.log" --wrap \
  "$iqgate batch '$root' --store '$store' --shard \$SLURM_ARRAY_TASK_ID/$shards -j \${SLURM_CPUS_PER_TASK:-1} $*")
sbatch --parsable --wait --dependency="afterany:$array" --job-name=iqgate-all --output="$store-all.log" --wrap \
  "$iqgate batch '$root' --store '$store' --all -j \${SLURM_CPUS_PER_TASK:-1} $*"
