#!/bin/bash
# Renders with a real SLURM: an array of four on two nodes of this machine, of which one task is
# killed, one is told to stop and one loses its node. Compares the result with a run of its own.
#
#   sudo tools/test_slurm.sh [PYTHON]     (in a clone with .venv; 5 minutes on two cores)
#
# Needs root, and Debian's or Ubuntu's slurm-wlm and munge, which it installs. Everything it starts
# has its files in one temporary folder; it ends all of that, whatever happens.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "error: run it as root, for slurmd and munged"; exit 2; }
command -v slurmctld slurmd munged > /dev/null ||
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends slurm-wlm munge
dir=$(mktemp -d /tmp/test_slurm.XXXXXX)
chmod 755 "$dir"
host=$(hostname -s)
export SLURM_CONF=$dir/slurm.conf SYNRENDER_DATA_DIR=$dir/data PATH=$PATH:/usr/sbin
pids=()

finish() {
    local status=$?
    [ $status = 0 ] || tail -n 20 "$dir"/log/* || true
    scancel --quiet --user=root 2> /dev/null || true
    sleep 1
    for file in slurmd-n1 slurmd-n2 ctld munged; do
        pid=$(cat "$dir/$file.pid" 2> /dev/null) && kill "$pid" 2> /dev/null && pids+=("$pid")
    done
    for pid in "${pids[@]}"; do  # not before they have written their last
        for _ in $(seq 100); do kill -0 "$pid" 2> /dev/null || break; sleep 0.1; done
        kill -9 "$pid" 2> /dev/null || true
    done
    rm -rf "$dir"
    [ $status = 0 ] && echo "test_slurm: passed" || echo "test_slurm: FAILED"
    exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

# --- SLURM: one controller, two nodes of one CPU -------------------------------------------------

mkdir "$dir"/{log,state,munge,data}
head -c 1024 /dev/urandom > "$dir/munge/key"
chmod 400 "$dir/munge/key"
chmod 755 "$dir/munge"
touch "$dir/munged.pid"
chown -R munge "$dir/munge" "$dir/munged.pid"
port=$((17000 + $$ % 1000 * 4))
cat > "$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$((port + 2))
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool-%n
SlurmctldPidFile=$dir/ctld.pid
SlurmdPidFile=$dir/slurmd-%n.pid
SlurmctldLogFile=$dir/log/ctld.log
SlurmdLogFile=$dir/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=10
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$port CPUs=1
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 1)) CPUs=1
PartitionName=p Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
CONF
setpriv --reuid=munge --regid=munge --init-groups munged --key-file="$dir/munge/key" \
    --socket="$dir/munge/socket" --pid-file="$dir/munge/pid" --log-file="$dir/munge/log" \
    --seed-file="$dir/munge/seed"
cat "$dir/munge/pid" > "$dir/munged.pid"
slurmctld
for node in n1 n2; do slurmd -N $node; done

# What a condition, a command line, becomes true within; in seconds.
await() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ $SECONDS -lt $end ] || { echo "error: not within the time: $what"; exit 1; }
        sleep 0.2
    done
}
count() { find "$SYNRENDER_DATA_DIR" -path "*/array_*/img/*" -name '[0-9]*.npy' 2> /dev/null | wc -l; }
has() { [ "$(count)" -ge "$1" ]; }
are_idle() { [ "$(sinfo -h -N -t idle -o %N | wc -l)" = 2 ]; }
is_over() { [ -z "$(squeue -h)" ]; }
running() { squeue -h -r -t R -o "$1"; }  # a line for each task
runs() { [ -n "$(running %i)" ]; }
await 60 "two idle nodes" are_idle

# --- render --------------------------------------------------------------------------------------

python=${1:-.venv/bin/python}
size=(-n 24 --num_classes 2 --variants 0-0-0-0 1-1-1-1 -b 4)
size+=(-p "rendering.resolution = 64" "rendering.render_samples = 16")
"$python" distributed_render.py -d reference "${size[@]}" -q
submit() {
    sbatch --parsable --array="$1" --cpus-per-task=1 --output="$dir/log/%A_%a.out" \
        examples/slurm/render.sbatch array "${size[@]}"
}
job=$(submit 0-3)
await 240 "first samples" has 3

read -r task node < <(running "%A %N")
echo "kill -9 for the run of job $task on $node"
killed=
for pid in $(scontrol listpids "$task" "$node" | awk 'NR > 1 && $1 > 0 {print $1}'); do
    if grep -qzx -- distributed_render.py "/proc/$pid/cmdline" 2> /dev/null; then
        killed=$pid
        kill -9 "$pid"
        break
    fi
done
[ -n "$killed" ] || { echo "error: found no process of job $task"; exit 1; }
has_failed() { scontrol show job "$task" | grep -q JobState=FAILED; }
await 60 "the failure of job $task" has_failed
await 240 "more samples" has $(($(count) + 3))

await 120 "a running task" runs
task=$(running %A | tail -1)
echo "SIGTERM for job $task, as at its time limit"
scancel --signal=TERM --batch "$task"
is_requeued() { scontrol show job "$task" | grep -q "Restarts=1"; }
await 120 "the requeue of job $task" is_requeued

await 240 "more samples" has $(($(count) + 3))
on_n2() { running "%A %N" | grep -q n2; }
await 240 "a task on n2" on_n2
task=$(running "%A %N" | awk '$2 == "n2" {print $1}')
echo "node n2 goes down, and job $task with it"
scontrol update NodeName=n2 State=DOWN Reason=test
await 120 "the requeue of job $task" eval 'scontrol show job "$task" | grep -q "Restarts=[1-9]"'
scontrol update NodeName=n2 State=RESUME
await 400 "the end of job $job" is_over
"$python" distributed_render.py -d array "${size[@]}" --status

echo "an array of three renders what the killed task has left"
job=$(submit 0-2)
finish_job=$(sbatch --parsable --dependency="afterok:$job" --kill-on-invalid-dep=yes \
    --cpus-per-task=1 --output="$dir/log/finish.out" examples/slurm/finish.sbatch array "${size[@]}")
await 600 "the end of jobs $job and $finish_job" is_over

# --- compare -------------------------------------------------------------------------------------

for variant in 0-0-0-0 1-1-1-1; do
    diff -r "$dir/data/reference_$variant/img" "$dir/data/array_$variant/img"
    for file in dataset.json config.gin color_reference.npy; do
        cmp "$dir/data/reference_$variant/$file" "$dir/data/array_$variant/$file"
    done
    [ -f "$dir/data/array_${variant}_webdataset/export.json" ]
done
grep -l "stopped; the same command goes on from here" "$dir"/log/*.out > /dev/null
echo "48 samples of two data sets are those of a run by itself, to the bit"
