# Read by scripts that test in a root filesystem of their own, the folder $root.

# Says what begins now; $title is the name of the test.
say() { echo "$title: $* ($SECONDS s)"; }

# Runs a command in there as root. Its processes and mounts end with it. That bash stays, for its
# `exit`, to reap orphans: Ray's workers never end as long as their dead parent is a zombie.
inside() {
    unshare --mount --pid --fork -- bash -euc '
        for name in dev sys; do mount --rbind /$name "$0/$name"; done
        mount -t proc proc "$0/proc"
        chroot "$0" "$@"
        exit' "$root" "$@"
}
