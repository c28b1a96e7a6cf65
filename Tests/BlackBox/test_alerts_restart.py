"""Alerts through kills, outages of PostgreSQL and gaps: each crossing has one event, and what comes late says so."""
import json
import random
import signal
import threading
import time

import psycopg
import pytest
import websockets

from cluster import Cluster
from conftest import APP, Service, environment, free_port, rows, tickwire, wait_until
from exchanges import PriceExchange

# Needs the machine for itself: it measures times, or sends thousands of ticks a second.
pytestmark = pytest.mark.load

BASE = 10_000


def add(database, expressions, symbol="BTC-USD", user="ann"):
    """Adds alerts in one transaction, as another process does."""
    with psycopg.connect(database) as connection:
        connection.execute("INSERT INTO symbols (name, asset) VALUES (%s, 'crypto') ON CONFLICT DO NOTHING", [symbol])
        return [
            row[0] for row in connection.execute(
                "INSERT INTO alerts (owner, symbol_id, expression) SELECT %s, symbols.id, expression FROM symbols, unnest(%s::text[])"
                " AS expression WHERE name = %s RETURNING id", [user, expressions, symbol]).fetchall()]


def metric(service, name):
    for line in service.get("/metrics").splitlines():
        if line.startswith(name + " "):
            return float(line.split(" ")[1])
    return None


def armed(service, count):
    return metric(service, "tickwire_alerts_armed") == count and metric(service, "tickwire_alerts_live") == 1


def events(database, columns="alert_id, crossing"):
    return rows(database, f"SELECT {columns} FROM alert_events ORDER BY id")


class Run:
    """A service that may be killed and started again, on one data folder."""

    def __init__(self, folder, database, exchange, **settings):
        self.folder, self.exchange, self.starts = folder, exchange, 0
        self.env = environment(
            TICKWIRE_DATA_DIR=folder / "data", DATABASE_URL=database, TICKWIRE_LOG_LEVEL="debug", TICKWIRE_DATABASE_WAIT=60,
            TICKWIRE_FEEDS_FALLBACK="none", **APP, **settings)
        self.service = None

    def start(self, wait=True):
        self.starts += 1
        port = free_port()
        connections = self.exchange.connections
        self.service = Service(
            ["up", "--port", port, "--feeds", "sim", "--feed-url", f"sim={self.exchange.url}", "--symbols", "BTC-USD,ETH-USD"],
            self.env, port, self.folder / f"up-{self.starts}.log")
        if wait:
            self.service.wait_ready()
            wait_until(lambda: self.exchange.connections > connections and self.exchange.subscribed(), what="the subscription")
        return self.service

    def kill(self):
        self.service.process.send_signal(signal.SIGKILL)
        self.service.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.service and self.service.process.poll() is None:
            self.kill()


@pytest.fixture
def run(tmp_path, database):
    tickwire("migrate", env=environment(DATABASE_URL=database), check=True)
    with PriceExchange(free_port()) as exchange:
        with Run(tmp_path, database, exchange) as run:
            run.database = database
            yield run


class Prices(threading.Thread):
    """Prices that rise step by step, whether anybody listens or not."""

    def __init__(self, exchange, count, interval):
        super().__init__(daemon=True)
        self.exchange, self.count, self.interval, self.price = exchange, count, interval, BASE

    def run(self):
        for step in range(self.count + 1):
            self.price = BASE + step
            try:
                self.exchange.trade("BTC-USD", self.price)
            except websockets.ConnectionClosed:
                pass  # Killed this very moment.
            time.sleep(self.interval)


def check_once(database, ids):
    """Each alert has fired, and exactly once."""
    found = events(database)
    missing = set(ids) - {alert for alert, _ in found}
    doubled = [pair for pair in found if pair[1] != 1]
    assert not missing and not doubled and len(found) == len(ids), (len(missing), doubled[:5], len(found))


def test_each_of_a_thousand_crossings_has_one_event_whenever_the_process_is_killed(run):
    choose = random.Random(7)
    count = 1_000
    ids = add(run.database, [f"crosses above {BASE + step}.5" for step in range(count)])
    run.start()
    wait_until(lambda: armed(run.service, count), what="armed alerts")
    prices = Prices(run.exchange, count, 0.008)
    prices.start()
    kills = 0
    while prices.is_alive():
        time.sleep(choose.uniform(0.3, 1.2))
        if not prices.is_alive():
            break
        run.kill()
        kills += 1
        time.sleep(choose.uniform(0, 0.3))
        run.start()
    run.exchange.trade("BTC-USD", BASE + count + 1)
    wait_until(lambda: len(events(run.database)) >= count, 30, "all events")
    run.service.stop()
    check_once(run.database, ids)
    assert kills >= 3


def test_each_crossing_has_one_event_when_postgresql_goes_away_too(tmp_path):
    choose = random.Random(11)
    count = 300
    cluster = Cluster()
    try:
        tickwire("migrate", env=environment(DATABASE_URL=cluster.url), check=True)
        ids = add(cluster.url, [f"crosses above {BASE + step}.5" for step in range(count)])
        with PriceExchange(free_port()) as exchange, Run(tmp_path, cluster.url, exchange) as run:
            run.start()
            wait_until(lambda: armed(run.service, count), what="armed alerts")
            prices = Prices(exchange, count, 0.015)
            prices.start()
            time.sleep(1)
            cluster.stop("immediate")
            time.sleep(2.5)
            # What fired meanwhile is in the journal only.
            run.kill()
            cluster.start()
            run.start()
            time.sleep(choose.uniform(0.5, 1))
            cluster.stop("immediate")
            time.sleep(1)
            cluster.start()
            prices.join()
            exchange.trade("BTC-USD", BASE + count + 1)
            wait_until(lambda: len(events(cluster.url)) >= count, 40, "all events")
            run.service.stop()
            check_once(cluster.url, ids)
    finally:
        cluster.remove()


def test_a_crossing_during_a_restart_fires_once_late(run):
    add(run.database, ["crosses above 100", "crosses above 103"])
    run.start()
    wait_until(lambda: armed(run.service, 2))
    run.exchange.trade("BTC-USD", 99)
    wait_until(lambda: rows(run.database, "SELECT last_price FROM alert_streams") == [(99,)], what="the stored price")
    run.kill()
    run.start()
    wait_until(lambda: armed(run.service, 2))
    run.exchange.trade("BTC-USD", 101)
    run.exchange.trade("BTC-USD", 102)
    wait_until(lambda: events(run.database), what="the event")
    run.exchange.trade("BTC-USD", 104)
    wait_until(lambda: len(events(run.database)) == 2, what="the second event")
    late, on_time = rows(
        run.database, "SELECT late_reason, late_since < fired_at, late_since > fired_at - interval '1 minute', price, previous_price"
        " FROM alert_events ORDER BY id")
    assert late == ("restart", True, True, 101, 99)
    assert on_time[0] is None


def test_a_crossing_in_a_gap_fires_late_and_says_so(run):
    add(run.database, ["crosses above 100"])
    run.start()
    wait_until(lambda: armed(run.service, 1))
    run.exchange.trade("BTC-USD", 99)
    wait_until(lambda: rows(run.database, "SELECT count(*) FROM trades") == [(1,)])
    connections = run.exchange.connections
    run.exchange.disconnect()
    wait_until(lambda: run.exchange.connections > connections and run.exchange.subscribed(), what="the reconnect")
    run.exchange.trade("BTC-USD", 101)
    wait_until(lambda: events(run.database), what="the event")
    assert events(run.database, "late_reason, late_since IS NOT NULL") == [("gap", True)]


def test_a_bad_tick_fires_nothing_with_confirm_and_a_flapping_price_once_with_rearm(run):
    confirmed, flapping = add(run.database, ["above 100 confirm 2 ticks", "crosses above 110 rearm 1%"])
    run.start()
    wait_until(lambda: armed(run.service, 2))
    for price in [99, 101, 99, 98]:
        run.exchange.trade("BTC-USD", price)
    for _ in range(20):
        run.exchange.trade("BTC-USD", "109.9")
        run.exchange.trade("BTC-USD", "110.1")
    wait_until(lambda: rows(run.database, "SELECT count(*) FROM trades") == [(44,)])
    wait_until(lambda: metric(run.service, "tickwire_alerts_evaluations_total") == 44)
    wait_until(lambda: len(events(run.database)) >= 2, what="the events")
    assert sorted(events(run.database)) == [(confirmed, 1), (flapping, 1)]
    # The confirmed one fired at the second of the later ticks, not at the bad one.
    assert rows(run.database, "SELECT price FROM alert_events WHERE alert_id = %s", confirmed) == [(110.1,)] or rows(
        run.database, "SELECT price > 101 FROM alert_events WHERE alert_id = %s", confirmed) == [(True,)]


def test_changes_by_another_process_take_effect_at_once(run):
    run.start()
    wait_until(lambda: metric(run.service, "tickwire_alerts_live") == 1)
    run.exchange.trade("BTC-USD", 99)
    (alert,) = add(run.database, ["crosses above 100"])
    wait_until(lambda: armed(run.service, 1))

    def change(assignment):
        rows(run.database, f"UPDATE alerts SET {assignment}, changed_at = now() WHERE id = %s RETURNING 1", alert)

    change("pause = 'user'")
    wait_until(lambda: armed(run.service, 0), what="the pause")
    run.exchange.trade("BTC-USD", 101)
    run.exchange.trade("BTC-USD", 99)
    wait_until(lambda: rows(run.database, "SELECT count(*) FROM trades") == [(3,)])
    change("pause = NULL")
    wait_until(lambda: armed(run.service, 1), what="the resumption")
    changes = metric(run.service, "tickwire_alerts_changes_total")
    change("snoozed_until = now() + interval '1 hour'")
    wait_until(lambda: metric(run.service, "tickwire_alerts_changes_total") > changes, what="the snooze")
    run.exchange.trade("BTC-USD", 101)
    run.exchange.trade("BTC-USD", 99)
    wait_until(lambda: metric(run.service, "tickwire_alerts_evaluations_total") == 5)
    changes = metric(run.service, "tickwire_alerts_changes_total")
    change("snoozed_until = NULL")
    wait_until(lambda: metric(run.service, "tickwire_alerts_changes_total") > changes, what="the snooze's end")
    assert events(run.database) == []
    run.exchange.trade("BTC-USD", 102)
    wait_until(lambda: events(run.database) == [(alert, 1)], what="the event")
    change("removed_at = now()")
    wait_until(lambda: armed(run.service, 0), what="the removal")


def test_thousands_of_changes_are_followed_without_reading_all(run):
    run.start()
    wait_until(lambda: metric(run.service, "tickwire_alerts_live") == 1)
    before = run.service.text().count("Alerts loaded")
    ids = add(run.database, [f"above {BASE + step}" for step in range(10_000)])
    wait_until(lambda: armed(run.service, 10_000), what="ten thousand armed alerts")
    rows(run.database, "UPDATE alerts SET removed_at = now() WHERE mod(id, 2) = 0 RETURNING 1")
    wait_until(lambda: armed(run.service, sum(1 for alert in ids if alert % 2)), what="half of them")
    rows(run.database, "UPDATE alerts SET removed_at = now() WHERE id = %s RETURNING 1", next(alert for alert in ids if alert % 2))
    wait_until(lambda: armed(run.service, 4_999))
    # Every other id does not fit into a notification: that one reads all.
    assert run.service.text().count("Alerts loaded") - before <= 1


def test_a_storm_pauses_the_alert_and_says_so(tmp_path, database):
    tickwire("migrate", env=environment(DATABASE_URL=database), check=True)
    (alert,) = add(database, ["crosses above 100"])
    settings = dict(TICKWIRE_ALERTS_STORM_FIRINGS=3, TICKWIRE_ALERTS_STORM_WINDOW=60)
    with PriceExchange(free_port()) as exchange, Run(tmp_path, database, exchange, **settings) as run:
        run.start()
        wait_until(lambda: armed(run.service, 1))
        for _ in range(10):
            exchange.trade("BTC-USD", 99)
            exchange.trade("BTC-USD", 101)
        wait_until(lambda: rows(database, "SELECT pause FROM alerts") == [("storm",)], what="the pause")
        assert rows(database, "SELECT crossing, is_storm FROM alert_events ORDER BY 1") == [
            (1, False), (2, False), (3, False), (4, True)]
        assert "fires too often" in run.service.text()
        rows(database, "UPDATE alerts SET pause = NULL, recent_firings = NULL, changed_at = now() RETURNING 1")
        wait_until(lambda: armed(run.service, 1), what="the resumption")
        exchange.trade("BTC-USD", 99)
        exchange.trade("BTC-USD", 101)
        wait_until(lambda: len(events(database)) == 5, what="the event after it")
