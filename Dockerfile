# An image for a cluster: Debian 13, Python 3.13, Blender 5.2; renders on CPUs, and on NVIDIA GPUs if
# the host has their container toolkit (docker run --gpus all). tools/test_container.sh tests it.
#
#   docker build -t synrender .
#   docker run --rm -v "$PWD/datasets:/data" -u "$(id -u):$(id -g)" synrender render.py -d test_dataset
#
# It runs as any user, without a home, on a read-only root if /tmp and /data can be written:
#   docker run --rm --read-only --tmpfs /tmp -v "$PWD/datasets:/data" -u 1234:1234 synrender ...
# Ray keeps its objects in shared memory: give distributed_render.py --shm-size 1g or more.
FROM debian:trixie-slim
WORKDIR /opt/synrender

# The environment comes first, so that a change of the code does not make it again.
COPY tools/setup.sh tools/container.lock tools/
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
       ca-certificates python3 python3-venv >/dev/null \
    && PIP_NO_CACHE_DIR=1 tools/setup.sh .venv tools/container.lock 3.13 \
    && rm -rf /var/lib/apt/lists/*

COPY . .
RUN .venv/bin/python -m compileall -q synrender config *.py \
    && mkdir -m 1777 /data

ENV PATH=/opt/synrender/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    SYNRENDER_DATA_DIR=/data \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,graphics,utility
VOLUME /data
USER 1000:1000
ENTRYPOINT ["/opt/synrender/.venv/bin/python"]
CMD ["render.py", "--help"]
