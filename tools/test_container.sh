#!/usr/bin/env bash
# Usage: tools/test_container.sh        (as root, on Debian or Ubuntu with debootstrap)
#
# Tests the Dockerfile of the committed project without Docker: a Debian 13 from debootstrap stands in
# for its base image, the COPY, RUN and ENV lines are executed in there as they stand, and the result
# renders, distributes, packs and audits as user 1234 without a home or an entry in /etc/passwd, on a
# read-only root with a small /tmp and /dev/shm.
# The root filesystem is a temporary folder, which is removed at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "$0: needs root, for debootstrap and chroot" >&2; exit 2; }

work=$(mktemp -d)
root=$work/root
context=$work/context
trap 'rm -rf --one-file-system "$work"' EXIT
mkdir "$root" "$work/data"
chmod 755 "$work" "$root"
chmod 1777 "$work/data"

title=container
. tools/in_root.sh

# Runs the image's entry point with arguments, as `docker run --read-only --tmpfs /tmp -u 1234` does.
run_image() {
    unshare --mount --pid --fork -- bash -euc '
        mount --bind "$0" "$0"
        mount -o remount,ro,bind "$0"
        mount -t proc proc "$0/proc"
        mount -t tmpfs -o size=16m,mode=755 tmpfs "$0/dev"
        for name in null zero full random urandom tty; do
            touch "$0/dev/$name"; mount --bind /dev/$name "$0/dev/$name"
        done
        mkdir -m 1777 "$0/dev/shm"
        mount -t tmpfs -o size=1g,mode=1777 tmpfs "$0/dev/shm"
        mount -t tmpfs -o size=1g,mode=1777 tmpfs "$0/tmp"
        mount --bind "$1" "$0/data"
        shift
        chroot --userspec=1234:1234 --groups= "$0" /usr/bin/env -i "$@"
        exit' "$root" "$work/data" "${image_env[@]}" \
        env -C "$workdir" "${entry[@]}" "$@"
}

say "making the base image"
debootstrap --variant=minbase trixie "$root" >/dev/null
cp /etc/resolv.conf "$root/etc/"
if [ -n "${PIP_CERT-}" ]; then  # the network's own authority, for ca-certificates to take in
    install -D -m 644 "$PIP_CERT" "$root/usr/local/share/ca-certificates/authority.crt"
fi
git clone --quiet . "$context"
rm -rf "$context/.git" "$context/tests" "$context/img" "$context/benchmarks"

# Prints the Dockerfile's instructions, one a line, without comments.
instructions() { sed -e '/^ *#/d' -e '/^ *$/d' Dockerfile | sed -e ':a' -e '/\\$/{N;s/ *\\\n */ /;ba}'; }

workdir=/ image_env=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
while read -r word rest; do
    say "$word ${rest:0:70}"
    case $word in
        FROM) [ "$rest" = debian:trixie-slim ] || { echo "another base: $rest" >&2; exit 1; } ;;
        WORKDIR) workdir=$rest; mkdir -p "$root$workdir" ;;
        COPY)
            read -ra names <<<"$rest"
            target=$root$workdir/${names[-1]}
            mkdir -p "$target"
            for name in "${names[@]:0:${#names[@]}-1}"; do
                if [ -d "$context/$name" ]; then
                    cp -r "$context/$name/." "$target"
                else
                    cp "$context/$name" "$target"
                fi
            done ;;
        RUN) inside env -C "$workdir" sh -c "$rest" ;;
        ENV)
            for pair in $rest; do
                image_env+=("${pair/\$PATH/${image_env[0]#PATH=}}")
            done ;;
        USER | VOLUME | CMD) ;;  # the test brings its own
        ENTRYPOINT) mapfile -t entry < <(python3 -c 'import json, sys
print(*json.loads(sys.argv[1]), sep="\n")' "$rest") ;;
        *) echo "the test does not know $word" >&2; exit 1 ;;
    esac
done < <(instructions)
say "the image has $(du -sm "$root" | cut -f1) MB"

small=("rendering.resolution = 32" "rendering.render_samples = 4" "object.total_num_samples = 24"
    "batch.num_samples = 24" "batch.cache_obj_frames = 2")
say "render.py"
run_image render.py -d single -p "${small[@]}" "sample.class_idxs = 3"
say "distributed_render.py"
run_image distributed_render.py --is_multi -d multi -n 24 --variants 1-1-1-1 -p "${small[@]:0:2}"
say "preprocess_data.py and audit_dataset.py"
run_image preprocess_data.py -d single -f -p -r 32
run_image audit_dataset.py -d single
say "what was written belongs to user 1234"
[ -z "$(find "$work/data" -mindepth 1 ! -user 1234)" ]
[ "$(find "$work/data/single/img" -name '*.npy' | wc -l)" = 24 ]
say "done"
