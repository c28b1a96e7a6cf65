"""What a service missed while it was not running."""
import os
import signal

import soak
from conftest import APP, Service, environment, free_port, rows, tickwire, wait_until


def start(database, folder, exchange, name):
    port = free_port()
    env = environment(TICKWIRE_DATA_DIR=folder / "data", DATABASE_URL=database, **APP)
    service = Service(
        ["ingest", "--port", port, "--feeds", "sim", "--feed-url", f"sim={exchange.url}"], env, port, folder / name)
    service.wait_ready()
    return service


def newest(database):
    return dict(rows(database, "SELECT symbol, max(id::bigint) FROM ticks WHERE kind = 'trade' GROUP BY 1"))


def test_trades_made_during_a_restart_are_found_missing_and_fetched(database, tmp_path):
    exchange = soak.Exchange(400, "none", tmp_path / "simulate.log")
    first = second = None
    try:
        first = start(database, tmp_path, exchange, "first.log")
        wait_until(lambda: len(newest(database)) == 16)
        os.killpg(first.process.pid, signal.SIGKILL)
        first.process.wait(10)
        rows_before = newest(database)
        symbol, identifier = next(iter(rows_before.items()))
        wait_until(lambda: exchange.get("/ledger")["symbols"][symbol]["last"] > identifier + 50, 20, "more trades")
        second = start(database, tmp_path, exchange, "second.log")
        wait_until(lambda: soak.settled(database) and soak.gaps(database), 30, "repaired gaps")
        ledger = exchange.get("/ledger")["symbols"]
        wait_until(lambda: all(newest(database)[name] > ledger[name]["last"] for name in ledger), 30)
        assert symbol in ledger and identifier < ledger[symbol]["last"]
        stored = {}
        for name, number in rows(database, "SELECT symbol, id::bigint FROM ticks WHERE kind = 'trade'"):
            stored.setdefault(name, []).append(number)
        for name, numbers in stored.items():
            assert sorted(numbers) == list(range(ledger[name]["first"], max(numbers) + 1)), name
        found = soak.gaps(database)
        assert {name for name, _, _, _ in found} == set(ledger)
        assert {state for _, _, _, state in found} == {"repaired"}
        assert soak.metric(second, "tickwire_guard_gaps_total", feed="sim", reason="sequence") + soak.metric(
            second, "tickwire_guard_gaps_total", feed="sim", reason="reconnect") >= 16
    finally:
        for service in (first, second):
            if service and service.process.poll() is None:
                service.stop()
        exchange.stop()


def test_gaps_that_another_run_left_open_are_finished(database, tmp_path):
    exchange = soak.Exchange(400, "none", tmp_path / "simulate.log")
    service = None
    try:
        service = start(database, tmp_path, exchange, "first.log")
        wait_until(lambda: rows(
            database, "SELECT count(*) FROM ticks WHERE symbol = 'BTC-USD' AND kind = 'trade'")[0][0] > 4)
        service.stop()
        first, last = rows(database, "SELECT min(id::bigint), max(id::bigint) FROM ticks WHERE symbol = 'BTC-USD' AND kind = 'trade'")[0]
        assert last > first + 2
        rows(
            database,
            "WITH gone AS (DELETE FROM trades USING symbols WHERE symbol_id = symbols.id AND name = 'BTC-USD'"
            " AND trade_id::bigint BETWEEN %s AND %s RETURNING 1) SELECT count(*) FROM gone", first + 1, last - 1)
        rows(
            database,
            "INSERT INTO feed_gaps (opened_at, from_sequence, to_sequence, from_id, to_id, missing_count, number, process, venue_id,"
            " symbol_id, stream, reason, state, symbols) SELECT now(), %s, %s, %s, %s, %s, 1, gen_random_uuid(), venues.id,"
            " symbols.id, 'trades', 'sequence', 'open', '{BTC-USD}' FROM venues, symbols WHERE venues.name = 'sim' AND"
            " symbols.name = 'BTC-USD' RETURNING 1", first, last, str(first), str(last), last - first - 1)
        service = start(database, tmp_path, exchange, "second.log")
        wait_until(lambda: soak.settled(database), 30, "the gap's end")
        wait_until(lambda: rows(
            database, "SELECT count(*) FROM ticks WHERE symbol = 'BTC-USD' AND kind = 'trade' AND id::bigint BETWEEN %s AND %s",
            first, last)[0][0] == last - first + 1, 10)
        assert rows(database, "SELECT state, repaired_count = missing_count FROM feed_gaps WHERE from_sequence = %s", first) == [
            ("repaired", True)]
    finally:
        if service and service.process.poll() is None:
            service.stop()
        exchange.stop()
