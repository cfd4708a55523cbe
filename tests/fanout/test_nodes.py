"""Nodes that go, or lack what the others have."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

from tests.fanout.drive import (
    BATCH,
    Driver,
    assert_same_as_reference,
    finish,
    wait_until,
)

pytestmark = pytest.mark.slow  # each starts Ray, and most kill or hang what it started


@pytest.fixture(scope="module")
def cluster(driver: Driver) -> Iterator[Cluster]:
    """A head of one CPU, to which a test can add nodes; all on this machine."""
    before = dict(os.environ)
    # What nodes start with; where things are comes with the job.
    os.environ["PYTHONPATH"] = driver.environment["PYTHONPATH"]
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", TROUBLE_SLOW_S="0.15")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    yield cluster
    cluster.shutdown()
    os.environ.clear()
    os.environ.update(before)


def test_a_node_removed_in_mid_run_loses_nothing(
    driver: Driver, reference: dict[str, Path], cluster: Cluster
) -> None:
    node = cluster.add_node(num_cpus=1)
    process = driver.start("-d", "removed", *BATCH, "-a", cluster.address, TROUBLE_SLOW_S="0.15")
    wait_until(lambda: len(driver.journals()) == 2 and driver.num_records("removed") > 3)
    cluster.remove_node(node, allow_graceful=False)
    output = finish(process)
    assert "all 96 samples are complete" in output
    assert_same_as_reference(driver, "removed", reference)


def test_a_node_without_models_fails_its_batch_and_not_the_run(
    driver: Driver, reference: dict[str, Path], cluster: Cluster
) -> None:
    node = cluster.add_node(
        num_cpus=1, env_vars={"SYNRENDER_SHAPENET_DIR": "/nowhere", "PATH": os.environ["PATH"]}
    )
    try:
        output = driver.run("-d", "bare", *BATCH, "--redis_address", cluster.address, "--gather")
    finally:
        cluster.remove_node(node)
    assert "all 96 samples are complete" in output
    lines = [line for line in output.splitlines() if "/nowhere" in line]
    assert len(lines) == 1
    assert "its batches go to other nodes" in lines[0]
    assert_same_as_reference(driver, "bare", reference)


def test_no_cluster_at_the_address_is_a_mistake_said_in_one_line(driver: Driver) -> None:
    output = driver.run("-d", "nobody", *BATCH, "-a", "127.0.0.1:9", status=2)
    assert output.count("\n") == 1
    assert "no Ray cluster answers there" in output
    assert not (driver.data_dir / "nobody_0-0-0-0").exists()
