"""What was received is stored, exactly once: through deaths of the process and of PostgreSQL, and with a disk that is full."""
import json
import os
import subprocess
import time

import pytest

import chaos
from cluster import Cluster
from conftest import APP, PROGRAM, ROOT, Service, environment, free_port, rows, tickwire, wait_until
from soak import Exchange, ids, metric


def test_deaths(tmp_path):
    report = chaos.run(tmp_path, rounds=2, rate=3000, seed=int(time.time()), note=print)
    assert report.holds, f"\n{report}"


class Outage:
    """A service whose PostgreSQL can be taken away."""

    def __init__(self, folder, rate, prefix=(), **settings):
        self.folder = folder
        self.cluster = Cluster()
        self.env = environment(
            TICKWIRE_DATA_DIR=folder / "data", DATABASE_URL=self.cluster.url, TICKWIRE_LOG_LEVEL="info", **APP, **settings)
        tickwire("migrate", env=self.env, check=True)
        self.exchange = Exchange(rate, "none", folder / "simulate.log")
        self.port = free_port()
        self.command = ["up", "--port", self.port, "--feeds", "sim", "--feed-url", f"sim={self.exchange.url}"]
        self.prefix = prefix

    def __enter__(self):
        self.service = Service(self.command, self.env, self.port, self.folder / "up.log", self.prefix)
        try:
            self.service.wait_ready()
        except AssertionError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.service.process.poll() is None:
            self.service.process.kill()
            self.service.process.wait()
        self.exchange.stop()
        self.cluster.remove()

    def waits(self):
        return metric(self.service, "tickwire_recorder_pending")

    def stored(self):
        """Stored trade ids by symbol, and how many are doubled."""
        found = {}
        for symbol, identifier in rows(self.cluster.url, "SELECT symbol, id FROM ticks WHERE kind = 'trade'"):
            found.setdefault(symbol, []).append(int(identifier))
        return {symbol: set(numbers) for symbol, numbers in found.items()}, sum(len(n) - len(set(n)) for n in found.values())


def test_outage(tmp_path):
    with Outage(tmp_path, 2000) as outage:
        tickwire("alerts", "add", "BTC-USD", "above 1", env=outage.env, check=True)
        with subprocess.Popen(
            [PROGRAM, "watch", "BTC-USD", "--json", "--url", f"ws://127.0.0.1:{outage.port}"], env=outage.env, cwd=ROOT,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as watch:
            try:
                first = json.loads(watch.stdout.readline())
                outage.cluster.stop("immediate")
                # While it is away prices move, and alerts fire as they come.
                before = metric(outage.service, "tickwire_pipeline_ticks_total")
                seen = set()
                end = time.monotonic() + 12
                while time.monotonic() < end:
                    seen.add(json.loads(watch.stdout.readline())["eventTime"])
                assert len(seen) > 20 and min(seen) >= first["eventTime"]
                assert metric(outage.service, "tickwire_pipeline_ticks_total") - before > 12 * 1000
                waiting = outage.waits()
                assert waiting > 12 * 1000
                outage.cluster.start()
            finally:
                watch.kill()
        wait_until(lambda: outage.waits() < 1000, 30, "catching up")
        assert metric(outage.service, "tickwire_journal_lost_total") == 0
        ledger = outage.exchange.get("/ledger")["symbols"]
        wait_until(
            lambda: all(account["last"] in outage.stored()[0].get(symbol, ()) for symbol, account in ledger.items()), 20, "the newest trades")
        outage.service.stop()
        stored, doubled = outage.stored()
        assert doubled == 0
        for symbol, account in ledger.items():
            assert set(range(account["first"], account["last"] + 1)) - stored[symbol] == set(), symbol
        fired = rows(outage.cluster.url, "SELECT count(*) FROM alert_events")[0][0]
        assert fired >= 1


def can_mount():
    return os.getuid() == 0 and subprocess.run(
        ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="needs root and the right to mount a tmpfs in a namespace of its own")
@pytest.mark.parametrize("bound, disk", [("16MB", 24), ("1GB", 12)], ids=["at its bound", "on a full disk"])
def test_full_journal(tmp_path, bound, disk):
    """A journal of 16 MB, or a disk of 12 MB: quotes go before trades, everything lost is counted, and then it is well again."""
    folder = tmp_path / "data" / "journal"
    folder.mkdir(parents=True)
    prefix = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size="$1"m none "$0" && shift && exec "$@"', folder, str(disk)]
    with Outage(tmp_path, 3000, prefix, TICKWIRE_JOURNAL_SIZE_MAX=bound) as outage:
        service = outage.service
        wait_until(lambda: metric(service, "tickwire_recorder_recorded_total") > 1000, 20, "recording")
        assert metric(service, "tickwire_journal_alarm") == 0
        outage.cluster.stop("immediate")
        wait_until(lambda: metric(service, "tickwire_journal_alarm") == 1, 120, "the alarm")
        wait_until(lambda: metric(service, "tickwire_journal_lost_total", stream="quotes") > 0, 120, "shedding")
        assert metric(service, "tickwire_journal_lost_total", stream="trades") == 0, "trades went before quotes"
        wait_until(lambda: metric(service, "tickwire_journal_lost_total", stream="trades") > 0, 240, "shedding of trades")
        before = metric(service, "tickwire_pipeline_ticks_total")
        time.sleep(1)
        assert metric(service, "tickwire_pipeline_ticks_total") > before, "prices stand still"
        assert metric(service, "tickwire_journal_bytes") <= min(16, disk) << 20
        outage.cluster.start()
        wait_until(lambda: outage.waits() < 3000, 60, "catching up")
        # A disk that refused a write is watched for a minute.
        wait_until(lambda: metric(service, "tickwire_journal_alarm") == 0, 90, "the end of the alarm")
        lost = {stream: metric(service, "tickwire_journal_lost_total", stream=stream) for stream in ("trades", "quotes")}
        time.sleep(1)
        assert lost == {stream: metric(service, "tickwire_journal_lost_total", stream=stream) for stream in ("trades", "quotes")}
        ledger = outage.exchange.get("/ledger")["symbols"]
        wait_until(
            lambda: all(account["last"] in outage.stored()[0].get(symbol, ()) for symbol, account in ledger.items()), 30, "the newest trades")
        service.stop()
        stored, doubled = outage.stored()
        assert doubled == 0
        missing = sum(len(set(range(account["first"], account["last"] + 1)) - stored[symbol]) for symbol, account in ledger.items())
        assert missing == lost["trades"]
        entered = dict(rows(outage.cluster.url, "SELECT stream, sum(ticks)::bigint FROM recording_losses WHERE reason = 'full' GROUP BY 1"))
        assert entered == lost
        assert "journal" in service.text().lower()
