"""The main job as a user runs it: one process with its own PostgreSQL, the simulated market, a second terminal."""
import json
import signal
import subprocess
import time

import psycopg
import pytest

from conftest import PROGRAM, ROOT, environment, free_port, json_lines, tickwire, wait_until
from conftest import Service


@pytest.fixture
def home(tmp_path_factory):
    import pathlib
    import shutil
    import tempfile

    # Not below pytest's own folder: PostgreSQL's user must be able to enter it when the tests run as root.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tickwire-home-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def postgres_is_running(home):
    return (home / "data" / "postgres" / "data" / "postmaster.pid").exists()


def test_up_watch_history_stop_and_start_again(home, tmp_path):
    port = free_port()
    env = environment(TICKWIRE_DATA_DIR=home / "data", TICKWIRE_PORT=port)
    service = Service(["up", "--demo"], env, port, tmp_path / "first.log").wait_ready()
    try:
        assert "sim" in service.text() and "ws://127.0.0.1" in service.text()

        watched = subprocess.run([PROGRAM, "watch", "BTC-USD", "AAPL", "--json", "--count", "40"], env=env, cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert watched.returncode == 0, watched.stderr
        ticks = json_lines(watched.stdout)
        assert {tick["symbol"] for tick in ticks} == {"BTC-USD", "AAPL"}
        assert {tick["venue"] for tick in ticks} == {"sim"}
        assert len({tick.get("price") for tick in ticks if tick["symbol"] == "BTC-USD"}) > 1

        def candles():
            return json_lines(tickwire("history", "BTC-USD", "--since", "5m", "--interval", "1m", "--format", "ndjson", env=env, check=True).stdout)

        found = wait_until(candles, what="candles")
        assert all(float(c["low"]) <= float(c["open"]) <= float(c["high"]) and c["trades"] > 0 for c in found)
        table = tickwire("history", "BTC-USD", "--since", "5m", "--interval", "1m", env=env, check=True).stdout
        assert "open" in table.splitlines()[0].lower() and len(table.splitlines()) > 1
        csv = tickwire("history", "BTC-USD", "--since", "5m", "--interval", "tick", "--limit", "5", "--format", "csv", env=env, check=True).stdout
        assert len(csv.splitlines()) == 6
        oldest = json_lines(tickwire("history", "BTC-USD", "--since", "1h", "--interval", "tick", "--first", "1", "--format", "ndjson", env=env, check=True).stdout)
    finally:
        took = service.stop(signal.SIGINT)
    assert took < 5 and service.process.returncode == 0, service.text()[-2000:]
    assert not postgres_is_running(home)

    # The data is there while the service is stopped, and after a second start.
    stopped = json_lines(tickwire("history", "BTC-USD", "--since", "1h", "--interval", "tick", "--first", "1", "--format", "ndjson", env=env, check=True).stdout)
    assert stopped[0] == oldest[0]
    assert not postgres_is_running(home)
    service = Service(["up", "--demo"], env, port, tmp_path / "second.log").wait_ready()
    try:
        again = json_lines(tickwire("history", "BTC-USD", "--since", "1h", "--interval", "tick", "--first", "1", "--format", "ndjson", env=env, check=True).stdout)
        assert again[0] == oldest[0]
    finally:
        service.stop(signal.SIGTERM)
    assert not postgres_is_running(home)


def test_a_killed_service_finds_its_postgresql_again(home, tmp_path):
    port = free_port()
    env = environment(TICKWIRE_DATA_DIR=home / "data", TICKWIRE_PORT=port)
    service = Service(["up", "--demo"], env, port, tmp_path / "first.log").wait_ready()
    service.process.kill()
    service.process.wait()
    assert postgres_is_running(home)
    service = Service(["up", "--demo"], env, port, tmp_path / "second.log").wait_ready()
    assert service.stop() < 5
    assert not postgres_is_running(home)


def test_without_a_live_feed_the_simulator_takes_over(start, database):
    port = free_port()
    service = start("up", "--feeds", "coinbase", "--feed-url", f"coinbase=ws://127.0.0.1:{port}/", DATABASE_URL=database)
    wait_until(lambda: "simulat" in service.text().lower(), timeout=30, what="the fallback")
    wait_until(lambda: '"sim"' in service.get("/v1/symbols"), timeout=30, what="simulated prices")


def test_the_fallback_can_be_switched_off(start, database):
    port = free_port()
    service = start("up", "--feeds", "coinbase", "--feed-url", f"coinbase=ws://127.0.0.1:{port}/", DATABASE_URL=database, TICKWIRE_FEEDS_FALLBACK="none")
    time.sleep(12)
    assert '"sim"' not in service.get("/v1/symbols")
    metrics = service.get("/metrics")
    reconnects = [line for line in metrics.splitlines() if line.startswith('tickwire_feed_connect_failures_total{feed="coinbase"')]
    assert reconnects and float(reconnects[0].split()[-1]) >= 3


def test_the_service_survives_a_restart_of_postgresql(start, database):
    service = start("up", "--demo", DATABASE_URL=database)
    count = lambda: psycopg.connect(database).execute("SELECT count(*) FROM trades").fetchone()[0]
    wait_until(lambda: count() > 20, what="ticks")
    parameters = psycopg.conninfo.conninfo_to_dict(database)
    with psycopg.connect(psycopg.conninfo.make_conninfo(**{**parameters, "dbname": "postgres"}), autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (parameters["dbname"],))
    before = count()
    wait_until(lambda: count() > before + 40, timeout=30, what="ticks after the cut")
    assert service.stop() < 5
    # The exchange counts the trades of each symbol by themselves.
    holes = psycopg.connect(database).execute(
        "SELECT sum(missing), sum(doubled) FROM (SELECT max(trade_id::bigint) - min(trade_id::bigint) + 1 - count(DISTINCT trade_id) AS missing,"
        " count(*) - count(DISTINCT trade_id) AS doubled FROM trades GROUP BY symbol_id) AS symbols").fetchone()
    assert holes == (0, 0), "no trade lost, none twice"
