"""Takes PostgreSQL away from `tickwire up` while a simulated exchange trades, and sees whether prices and alerts go on, how fast the
recorder catches up, and whether everything is stored in the end.

`scripts/outage.sh` runs it as long as you like, test_recording.py in a shorter form.
"""
import argparse
import datetime
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

from websockets.sync.client import connect

from cluster import Cluster
from conftest import APP, PROGRAM, ROOT, Service, environment, free_port, rows, sign, tickwire, wait_until
from soak import Exchange, Report, metric, wait_quietly


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

    def received(self):
        return metric(self.service, "tickwire_pipeline_ticks_total")

    def stored(self):
        """Stored trade ids by symbol, and how many are doubled."""
        found = {}
        for symbol, identifier in rows(self.cluster.url, "SELECT symbol, id FROM ticks WHERE kind = 'trade'"):
            found.setdefault(symbol, []).append(int(identifier))
        return {symbol: set(numbers) for symbol, numbers in found.items()}, sum(len(n) - len(set(n)) for n in found.values())

    def newest_stored(self, ledger):
        return all(
            rows(self.cluster.url, "SELECT count(*) FROM ticks WHERE kind = 'trade' AND symbol = %s AND id = %s", symbol, str(account["last"]))[0][0]
            for symbol, account in ledger.items())


def join_alerts(connection):
    """Subscribes a connection to one user's alerts."""
    socket_id = json.loads(json.loads(connection.recv(10))["data"])["socket_id"]
    channel = "private-alerts-ann"
    auth = APP["TICKWIRE_APP_KEY"] + ":" + sign(f"{socket_id}:{channel}")
    connection.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": channel, "auth": auth}}))
    assert json.loads(connection.recv(10))["event"] == "pusher_internal:subscription_succeeded"


def note_alerts(connection, times):
    """Adds to `times` when alerts fired, as they come, until the connection ends."""
    for text in connection:
        frame = json.loads(text)
        if frame["event"] == "alert":
            times.append(datetime.datetime.fromisoformat(json.loads(frame["data"])["firedAt"]))


def run(folder, seconds, rate, note=lambda text: None, prices_pause=5):
    """PostgreSQL is away for `seconds`; returns a Report."""
    report = Report()
    with Outage(pathlib.Path(folder), rate) as outage:
        url = f"ws://127.0.0.1:{outage.port}"
        with connect(f"{url}/app/{APP['TICKWIRE_APP_KEY']}?protocol=7") as alerts, subprocess.Popen(
            [PROGRAM, "watch", "BTC-USD", "--json", "--url", url], env=outage.env, cwd=ROOT,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as watch:
            try:
                join_alerts(alerts)
                fired = []
                listener = threading.Thread(target=note_alerts, args=(alerts, fired), daemon=True)
                listener.start()
                price = json.loads(watch.stdout.readline())["price"]
                levels = [float(price) * (1 + step / 10_000) for step in range(-4, 5)]
                for level in levels:
                    tickwire("alerts", "add", "BTC-USD", f"crosses {level:.2f}", "--user", "ann", env=outage.env, check=True)
                wait_until(lambda: metric(outage.service, "tickwire_alerts_armed") >= len(levels), what="armed alerts")
                outage.cluster.stop("immediate")
                left = datetime.datetime.now(datetime.timezone.utc)
                note(f"PostgreSQL is away for {seconds} s")
                before, began = outage.received(), time.monotonic()
                prices, longest, last = set(), 0.0, began
                while (now := time.monotonic()) < began + seconds:
                    prices.add(json.loads(watch.stdout.readline())["eventTime"])
                    longest, last = max(longest, time.monotonic() - last), time.monotonic()
                received = outage.received() - before
                waiting = outage.waits()
                report.check("prices move in watch", len(prices) > seconds, f"{len(prices)} prices, longest pause {longest:.2f} s")
                report.check("no pause", longest < prices_pause, f"{longest:.2f} s")
                report.check("ticks come in", received > seconds * rate * 0.5, f"{received:.0f} in {seconds} s")
                report.check("they wait in the journal", waiting > received * 0.9, f"{waiting:.0f}")
                returned = datetime.datetime.now(datetime.timezone.utc)
                time.sleep(1)
                heard = [at for at in fired if left < at < returned]
                report.check("alerts fire meanwhile", heard, f"{len(heard)} on their channel")
                outage.cluster.start()
                note("PostgreSQL is back")
            finally:
                watch.kill()
        # The recorder's connection comes back within its back-off; from its first row on it catches up.
        recorded = metric(outage.service, "tickwire_recorder_recorded_total")
        wait_quietly(lambda: metric(outage.service, "tickwire_recorder_recorded_total") > recorded, 30)
        started, recorded = time.monotonic(), metric(outage.service, "tickwire_recorder_recorded_total")
        caught_up = wait_quietly(lambda: outage.waits() < 2 * rate, 30 + seconds)
        took, rows_recorded = time.monotonic() - started, metric(outage.service, "tickwire_recorder_recorded_total") - recorded
        report.check("it catches up", caught_up, f"{rows_recorded:.0f} rows in {took:.1f} s: {rows_recorded / max(took, 0.01):.0f} rows/s")
        lost = metric(outage.service, "tickwire_journal_lost_total")
        report.check("nothing lost in the journal", lost == 0, f"{lost:.0f} ticks")
        ledger = outage.exchange.get("/ledger")["symbols"]
        report.check("the newest trades are stored", wait_quietly(lambda: outage.newest_stored(ledger), 30), f"{len(ledger)} symbols")
        outage.service.stop()
        stored, doubled = outage.stored()
        missing = sum(
            len(set(range(account["first"], account["last"] + 1)) - stored.get(symbol, set())) for symbol, account in ledger.items())
        report.check("each trade once", missing == doubled == 0, f"{sum(map(len, stored.values()))} trades, {missing} missing, {doubled} doubled")
        entered = rows(
            outage.cluster.url, "SELECT count(*) FROM alert_events WHERE fired_at > %s AND fired_at < %s", left, returned)[0][0]
        report.check("and are stored later", entered == len(heard), f"{entered}")
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=300, help="how long PostgreSQL is away")
    parser.add_argument("--rate", type=int, default=5_000, help="messages a second")
    arguments = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="tickwire-outage-")
    print(f"logs in {folder}", file=sys.stderr)
    report = run(folder, arguments.seconds, arguments.rate, note=lambda text: print(text, file=sys.stderr, flush=True))
    print(report)
    sys.exit(0 if report.holds else 1)


if __name__ == "__main__":
    main()
