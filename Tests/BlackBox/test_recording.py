"""What was received is stored, exactly once: through deaths of the process and of PostgreSQL, and with a disk that is full."""
import os
import subprocess
import time

import pytest

import chaos
import outage
from conftest import rows, wait_until
from soak import metric

# Needs the machine for itself: it measures times, or sends thousands of ticks a second.
pytestmark = pytest.mark.load


def test_deaths(tmp_path):
    report = chaos.run(tmp_path, rounds=2, rate=3000, seed=int(time.time()), note=print)
    assert report.holds, f"\n{report}"


def test_outage(tmp_path):
    report = outage.run(tmp_path, seconds=12, rate=2000, note=print)
    assert report.holds, f"\n{report}"


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
    with outage.Outage(tmp_path, 3000, prefix, TICKWIRE_JOURNAL_SIZE_MAX=bound) as away:
        service = away.service
        wait_until(lambda: metric(service, "tickwire_recorder_recorded_total") > 1000, 20, "recording")
        assert metric(service, "tickwire_journal_alarm") == 0
        away.cluster.stop("immediate")
        wait_until(lambda: metric(service, "tickwire_journal_alarm") == 1, 120, "the alarm")
        wait_until(lambda: metric(service, "tickwire_journal_lost_total", stream="quotes") > 0, 120, "shedding")
        assert metric(service, "tickwire_journal_lost_total", stream="trades") == 0, "trades went before quotes"
        wait_until(lambda: metric(service, "tickwire_journal_lost_total", stream="trades") > 0, 240, "shedding of trades")
        before = metric(service, "tickwire_pipeline_ticks_total")
        time.sleep(1)
        assert metric(service, "tickwire_pipeline_ticks_total") > before, "prices stand still"
        assert metric(service, "tickwire_journal_bytes") <= min(16, disk) << 20
        away.cluster.start()
        wait_until(lambda: away.waits() < 3000, 60, "catching up")
        # A disk that refused a write is watched for a minute.
        wait_until(lambda: metric(service, "tickwire_journal_alarm") == 0, 90, "the end of the alarm")
        lost = {stream: metric(service, "tickwire_journal_lost_total", stream=stream) for stream in ("trades", "quotes")}
        time.sleep(1)
        assert lost == {stream: metric(service, "tickwire_journal_lost_total", stream=stream) for stream in ("trades", "quotes")}
        ledger = away.exchange.get("/ledger")["symbols"]
        wait_until(
            lambda: all(account["last"] in away.stored()[0].get(symbol, ()) for symbol, account in ledger.items()), 30, "the newest trades")
        service.stop()
        stored, doubled = away.stored()
        assert doubled == 0
        missing = sum(len(set(range(account["first"], account["last"] + 1)) - stored[symbol]) for symbol, account in ledger.items())
        assert missing == lost["trades"]
        entered = dict(rows(away.cluster.url, "SELECT stream, sum(ticks)::bigint FROM recording_losses WHERE reason = 'full' GROUP BY 1"))
        assert entered == lost
        assert "journal" in service.text().lower()
