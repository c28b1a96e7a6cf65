"""Kills `tickwire ingest` and PostgreSQL again and again while a simulated exchange trades, and compares what was stored with the
exchange's own ledger, candles with the trades, and what `history --follow` printed with both.

`scripts/chaos.sh` runs it as long as you like, test_recording.py in a shorter form.
"""
import argparse
import collections
import json
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

from cluster import Cluster
from conftest import APP, PROGRAM, ROOT, Service, environment, free_port, rows, tickwire
from soak import Exchange, Report, compare, metric, settled, wait_quietly

FOLLOWED = "BTC-USD"

CANDLES = """
    WITH intervals (seconds) AS (VALUES (1), (60), (300), (900), (3600), (86400)),
    computed AS (
        SELECT symbol_id, venue_id, seconds, date_bin(make_interval(secs => seconds), event_time, 'epoch'::timestamptz) AS start,
               (array_agg(price ORDER BY event_time, coalesce(venue_sequence, -1), length(trade_id), trade_id, price))[1] AS open,
               max(price) AS high, min(price) AS low,
               (array_agg(price ORDER BY event_time DESC, coalesce(venue_sequence, -1) DESC, length(trade_id) DESC, trade_id DESC, price DESC))[1] AS close,
               sum(size) AS volume, sum(price * size) AS turnover, count(*) AS trade_count
        FROM trades, intervals
        WHERE seconds < 86400 OR symbol_id IN (SELECT id FROM symbols WHERE asset <> 'stock')
        GROUP BY 1, 2, 3, 4
    ),
    kept AS (
        SELECT symbol_id, venue_id, interval_seconds AS seconds, start, open, high, low, close, volume, turnover, trade_count
        FROM candles
        WHERE interval_seconds < 86400 OR symbol_id IN (SELECT id FROM symbols WHERE asset <> 'stock')
    )
    SELECT (SELECT count(*) FROM kept), (SELECT count(*) FROM (TABLE computed EXCEPT TABLE kept) AS a),
           (SELECT count(*) FROM (TABLE kept EXCEPT TABLE computed) AS b)
"""


class Follower:
    """`tickwire history --follow` in a process of its own, from before the first tick."""

    def __init__(self, env, folder):
        self.output = folder / "followed.ndjson"
        self.log = folder / "follow.log"
        with open(self.output, "w") as output, open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "history", FOLLOWED, "--interval", "tick", "--kind", "trades", "--since", "1m", "--follow", "--format", "ndjson"],
                env=env, cwd=ROOT, stdout=output, stderr=log, start_new_session=True)

    def ids(self):
        with open(self.output) as output:
            return [json.loads(line)["id"] for line in output if line.endswith("\n")]

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(15)


def run(folder, rounds, rate, seed=1, note=lambda text: None, program_environment=None):
    """`rounds` of each kind of death; returns a Report."""
    folder = pathlib.Path(folder)
    choose = random.Random(seed)
    deaths = ["process", "database", "both"] * rounds
    choose.shuffle(deaths)
    cluster = Cluster("max_wal_size=2GB")
    env = environment(
        TICKWIRE_DATA_DIR=folder / "data", DATABASE_URL=cluster.url, TICKWIRE_DATABASE_WAIT=120, TICKWIRE_LOG_LEVEL="info", **APP, **(program_environment or {}))
    exchange = follower = service = None
    try:
        tickwire("migrate", env=env, check=True)
        exchange = Exchange(rate, "none", folder / "simulate.log", seed)
        starts = 0

        def begin():
            nonlocal starts
            starts += 1
            port = free_port()
            return Service(
                ["ingest", "--port", port, "--feeds", "sim", "--feed-url", f"sim={exchange.url}"], env, port,
                folder / f"ingest-{starts}.log")

        service = begin().wait_ready(120)
        wait_quietly(lambda: rows(cluster.url, "SELECT count(*) FROM symbols WHERE name = %s", FOLLOWED)[0][0], 30)
        follower = Follower(env, folder)
        for number, death in enumerate(deaths, 1):
            time.sleep(choose.uniform(0.5, 4))
            note(f"{number} of {len(deaths)}: {death} dies")
            pauses = choose.uniform(0, 2), choose.uniform(0, 2)
            if death in ("database", "both"):
                cluster.stop("immediate")
            if death in ("process", "both"):
                service.process.kill()
                service.process.wait()
            time.sleep(pauses[0])
            if death == "both" and choose.random() < 0.5:
                # The process is there first, and has to wait.
                service = begin()
                time.sleep(pauses[1])
                cluster.start()
            else:
                if death in ("database", "both"):
                    cluster.start()
                if death in ("process", "both"):
                    service = begin()
            service.wait_ready(120)
        note("All deaths died; waiting for what is missing")
        report = Report()
        started = time.monotonic()
        # A hole is given a second for reordered ticks before it counts as one.
        time.sleep(5)
        quiet = wait_quietly(lambda: metric(service, "tickwire_recorder_pending") < rate and settled(cluster.url), 240)
        report.check("it settles", quiet, f"{time.monotonic() - started:.0f} s after the last death")
        ledger = exchange.get("/ledger")["symbols"]
        account = ledger[FOLLOWED]
        caught_up = wait_quietly(lambda: rows(
            cluster.url, "SELECT count(*) FROM ticks WHERE kind = 'trade' AND symbol = %s AND id = %s", FOLLOWED, str(account["last"]))[0][0], 60)
        report.check("the newest trade is stored", caught_up, f"{FOLLOWED} {account['last']}")
        dropped = metric(service, "tickwire_journal_lost_total")
        took = service.stop()
        compare(report, cluster.url, ledger, {
            symbol: exchange.get(f"/trades?symbol={symbol}&from={account['last'] - 2000}&to={account['last']}&limit=2001")
            for symbol, account in ledger.items()})
        report.check("nothing lost in the journal", dropped == 0, f"{dropped} ticks")
        check_quotes(report, cluster.url)
        check_candles(report, cluster.url)
        check_follower(report, cluster.url, follower)
        report.check("stops", took < 10, f"{took:.1f} s")
        report.check("the deaths happened", starts == 1 + 2 * rounds, f"{rounds} of the process, {rounds} of PostgreSQL, {rounds} of both")
        return report
    finally:
        if follower:
            follower.stop()
        if service and service.process.poll() is None:
            service.process.kill()
        if exchange:
            exchange.stop()
        cluster.remove()


def check_quotes(report, database):
    """A quote has no id, but the exchange numbers them."""
    count, distinct = rows(
        database, "SELECT count(*), count(DISTINCT (symbol_id, venue_sequence)) FROM quotes WHERE flags & 1 = 0")[0]
    report.check("each quote once", count == distinct and count > 0, f"{count} quotes, {count - distinct} doubled")


def check_candles(report, database):
    kept, missing, surplus = rows(database, CANDLES)[0]
    report.check("candles equal the trades'", kept > 0 and missing == surplus == 0, f"{kept} candles, {missing} differ")


def check_follower(report, database, follower):
    """What it printed is what is stored, each trade once."""
    stored = [row[0] for row in rows(database, "SELECT id FROM ticks WHERE kind = 'trade' AND symbol = %s", FOLLOWED)]
    wait_quietly(lambda: len(follower.ids()) >= len(stored), 20)
    printed = collections.Counter(follower.ids())
    holes = len(set(stored) - set(printed))
    doubles = sum(printed.values()) - len(printed)
    surplus = len(set(printed) - set(stored))
    alive = follower.process.poll() is None
    report.check(
        "history --follow", alive and holes == doubles == surplus == 0,
        f"{len(printed)} trades of {FOLLOWED} printed, {holes} missing, {doubles} doubled, {surplus} unknown"
        + ("" if alive else f"; it ended with {follower.process.returncode}"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="deaths of each kind")
    parser.add_argument("--rate", type=int, default=20_000, help="messages a second")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="tickwire-chaos-")
    print(f"{3 * arguments.rounds} deaths at {arguments.rate} messages a second; logs in {folder}", file=sys.stderr)
    report = run(
        folder, arguments.rounds, arguments.rate, arguments.seed, note=lambda text: print(text, file=sys.stderr, flush=True))
    print(report)
    sys.exit(0 if report.holds else 1)


if __name__ == "__main__":
    main()
