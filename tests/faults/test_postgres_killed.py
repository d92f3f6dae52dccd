"""PostgreSQL is killed without a warning: what it left behind is not taken for a server that runs."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hoeksteen.host.cluster import Cluster, binaries
from hoeksteen.host.os_users import os_users
from hoeksteen.host.processes import credentials, run_as


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    user = os_users().business_database
    with tempfile.TemporaryDirectory(prefix="hk") as folder:
        Path(folder).chmod(0o755)
        made = Cluster(Path(folder) / "pg", Path(folder) / "run", user, {})
        made.start()
        try:
            yield made
        finally:
            made.stop()


def postmaster(cluster: Cluster) -> int:
    return int(run_as(cluster.server_user, ["head", "-n", "1", cluster.data / "postmaster.pid"], check=True).stdout)


def test_a_killed_server_is_started_again_with_what_was_committed(cluster: Cluster) -> None:
    cluster.as_superuser("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7);")
    os.kill(postmaster(cluster), signal.SIGKILL)
    cluster.start()
    assert cluster.as_superuser("SELECT n FROM kept;") == "7"


def test_the_number_of_another_process_is_not_taken_for_the_servers(cluster: Cluster) -> None:
    os.kill(postmaster(cluster), signal.SIGKILL)
    with subprocess.Popen(["sleep", "60"], **credentials(cluster.server_user)) as other:
        file = cluster.data / "postmaster.pid"
        lines = run_as(cluster.server_user, ["cat", file], check=True).stdout.splitlines()
        left = "\n".join([str(other.pid), *lines[1:]]) + "\n"
        run_as(cluster.server_user, ["/bin/sh", "-c", 'cat > "$0"', file], input_text=left, check=True)
        assert not cluster.is_running()
        cluster.stop()
        assert other.poll() is None, "it is left alone"
        other.kill()


def test_a_server_that_runs_and_accepts_nobody_is_stopped(cluster: Cluster) -> None:
    psql = [binaries() / "psql", "-X", "-q", "-h", cluster.sockets, "-U", "postgres", "-c", "SELECT pg_sleep(60)"]
    with subprocess.Popen(psql, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **credentials(cluster.server_user)) as session:
        while cluster.as_superuser("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)' AND pid <> pg_backend_pid();") == "0":
            time.sleep(0.05)
        run_as(cluster.server_user, [binaries() / "pg_ctl", "stop", "-D", cluster.data, "-m", "smart", "-W"], check=True)
        while cluster.is_running():
            time.sleep(0.05)
        cluster.stop()
        session.wait(10)
    assert run_as(cluster.server_user, ["test", "-e", cluster.data / "postmaster.pid"]).returncode == 1
