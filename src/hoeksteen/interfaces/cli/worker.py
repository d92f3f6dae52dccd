"""`hoeksteen worker`, which `up` starts, and `hoeksteen jobs`: work that people start and that goes on without them."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import click

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import at_local, data_option, emit_json, json_option, print_table, report_console, report_table
from hoeksteen.interfaces.problems import place_of
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.kernel.clock import SystemClock
from hoeksteen.storage.jobs import Job, latest_jobs

_SERVICE = "bss"
_AGAIN_SECONDS, _AGAIN_SECONDS_MAX = 1.0, 30.0
_LASTED_SECONDS = 60.0
_END_SECONDS_MAX = 15.0
_LOOK_SECONDS = 0.2


@click.command()
@click.option("--alone", is_flag=True, hidden=True, help="Do the work in this process, which nobody starts again when it dies.")
@data_option
def worker(alone: bool, data: Path) -> None:
    """Do the jobs of the queue, in a process that is started again when it dies, until told to stop."""
    if alone:
        _work(data)
    else:
        _watch_over([sys.executable, "-m", "hoeksteen", "worker", "--alone", "--data", str(data)])


def _say(line: str) -> None:
    click.echo(f"{SystemClock().now():%Y-%m-%d %H:%M:%S} {line}", err=True)


def _work(data: Path) -> None:
    from hoeksteen.interfaces.cli.work import tasks  # what watches over this process needs none of it
    from hoeksteen.storage.job_worker import Station, work

    parent = os.getppid()
    settings = read_settings(data)
    with open_runtime(settings, service=_SERVICE) as runtime:
        station = Station(
            dsn=settings.business_dsn, database=runtime.database, tasks=tasks(runtime), place_of=place_of, say=_say,
            is_left=lambda: os.getppid() != parent,
        )  # fmt: skip
        work(station=station, on_ready=settings.worker_is_ready.touch)


def _watch_over(command: list[str]) -> None:
    """Start the process that works, and start it again when it dies: after a second, or after 2 and longer and longer where it died soon."""
    ends, wait = threading.Event(), _AGAIN_SECONDS
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ends.set())
    while not ends.is_set():
        process = subprocess.Popen(command)
        lasted = 0.0
        while process.poll() is None and not ends.wait(_LOOK_SECONDS):
            lasted += _LOOK_SECONDS
        if ends.is_set():
            _end(process)
            return
        wait = _AGAIN_SECONDS if lasted > _LASTED_SECONDS else min(2 * wait, _AGAIN_SECONDS_MAX)
        _say(f"the worker died ({process.returncode}); it is started again")
        ends.wait(wait)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_END_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@click.command("jobs")
@click.option("--show", "count", type=click.IntRange(1, 200), default=20, show_default=True, help="How many, the newest first.")
@data_option
@json_option
def jobs_(count: int, data: Path, as_json: bool) -> None:
    """List the jobs of the queue: what waits, what is being done and how far it is, what failed and why."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        found, now = latest_jobs(tx=tx, limit=count), runtime.clock.now()
    rows: list[dict[str, Any]] = [
        {
            "job": one.job_id, "task": one.task, "about": one.about, "state": one.state, "attempts": one.attempts,
            "done": one.done, "total": one.total, "seconds_left": one.seconds_left(now) if one.state == "running" else None, "asked_at": one.asked_at,
            "result": one.result, "problem": one.problem, "remedy": one.remedy,
        }
        for one in found
    ]  # fmt: skip
    table = report_table("Jobs")
    for heading in ("job", "what", "asked", "state", "how far"):
        table.add_column(heading)
    for one in found:
        table.add_row(str(one.job_id), one.about, at_local(one.asked_at), one.state, _how_far(one))
    print_table(report_console(as_json=as_json), table, nothing="No job was started yet.")
    if as_json:
        emit_json({"jobs": rows})


def _how_far(one: Job) -> str:
    if one.problem:
        return f"{one.problem} {one.remedy}".strip()
    if one.state == "running" and one.total:
        return f"{one.done:,} of {one.total:,}"
    result = {name: value for name, value in (one.result or {}).items() if isinstance(value, int | str) and not isinstance(value, bool)}
    return ", ".join(f"{value} {name.replace('_', ' ')}" if isinstance(value, int) else str(value) for name, value in result.items())


commands: list[click.Command] = [worker, jobs_]
