"""Runs a faulty simulated exchange against `tickwire ingest` and compares what was stored with the exchange's own ledger.

`scripts/soak.sh` runs it for minutes, test_faults.py for half a minute.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import psycopg

from conftest import APP, PROGRAM, ROOT, Service, environment, free_port, rows, tickwire, wait_until

FAULTS = (
    "drop 1%, duplicate 1%, reorder 1%, garbage 0.5%, gap 20 every 30s, stall 3s every 1m, disconnect every 45s,"
    " skew 2s, burst 5x for 1s every 20s"
)
# Prices stay within 5 % of where they begin: none of these may fire, and the last one must, once.
NEVER = [("BTC-USD", "above 100000"), ("BTC-USD", "below 30000"), ("AAPL", "crosses above 400"), ("ETH-USD", "crosses 1000")]
ONCE = ("BTC-USD", "above 1000 once")


class Exchange:
    """`tickwire simulate` with its HTTP side."""

    def __init__(self, rate, faults, log, seed=1):
        self.port = free_port()
        self.log = open(log, "w")
        self.process = subprocess.Popen(
            [PROGRAM, "simulate", "--port", str(self.port), "--rate", str(rate), "--faults", faults, "--seed", str(seed)],
            env=environment(), cwd=ROOT, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True,
        )
        wait_until(lambda: self.answers(), 20, "the simulated exchange")

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}/"

    def answers(self):
        try:
            return self.get("/faults")
        except OSError:
            return None

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return json.load(answer)

    def set_faults(self, text):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/faults", data=text.encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.log.close()


class Report:
    """What was checked, and whether it held."""

    def __init__(self):
        self.lines = []

    def check(self, name, holds, detail):
        self.lines.append((name, bool(holds), str(detail)))

    @property
    def holds(self):
        return all(holds for _, holds, _ in self.lines)

    def __str__(self):
        width = max(len(name) for name, _, _ in self.lines)
        return "\n".join(
            f"{'ok  ' if holds else 'FAIL'}  {name.ljust(width)}  {detail}" for name, holds, detail in self.lines)


def ids(ranges):
    return {number for first, last in ranges for number in range(first, last + 1)}


def resident_bytes(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))


def metric(service, name, **labels):
    """The sum of a metric's values whose labels are those given."""
    total = 0
    for line in service.get("/metrics").splitlines():
        head, _, value = line.rpartition(" ")
        if head.split("{")[0] == name and all(f'{key}="{wanted}"' in head for key, wanted in labels.items()):
            total += float(value)
    return int(total)


def gaps(database):
    """Every gap of trades: symbol, first and last missing number, state."""
    return rows(
        database,
        "SELECT symbols.name, from_sequence + 1, to_sequence - 1, state FROM feed_gaps JOIN symbols ON symbols.id = symbol_id"
        " WHERE stream = 'trades' AND from_sequence IS NOT NULL AND to_sequence IS NOT NULL")


def settled(database):
    """Whether no gap waits for repair any more."""
    return rows(database, "SELECT count(*) FROM feed_gaps WHERE state = 'open'")[0][0] == 0


def run(database, folder, seconds, rate, faults=FAULTS, note=lambda text: None, program_environment=None):
    """Runs the whole thing against an empty database; returns a Report."""
    folder = pathlib.Path(folder)
    env = environment(
        TICKWIRE_DATA_DIR=folder / "data", DATABASE_URL=database, TICKWIRE_LOG_LEVEL="info", **APP, **(program_environment or {}))
    tickwire("migrate", env=env, check=True)
    for symbol, condition in NEVER + [ONCE]:
        tickwire("alerts", "add", symbol, condition, env=env, check=True)
    exchange = Exchange(rate, faults, folder / "simulate.log")
    port = free_port()
    service = Service(
        ["ingest", "--port", port, "--feeds", "sim", "--feed-url", f"sim={exchange.url}"], env, port, folder / "ingest.log")
    try:
        service.wait_ready()
        memory = watch(service, seconds, note)
        exchange.set_faults("none")
        note("Faults are over; waiting for the repairs")
        report = Report()
        # With the faults gone what is still held back comes, and the repairs end.
        time.sleep(5)
        repaired = wait_quietly(lambda: settled(database), 60)
        report.check("repairs end", repaired, "no gap is open" if repaired else "gaps are still open after 60 s")
        counts = {
            "malformed": metric(service, "tickwire_feed_frames_total", outcome="malformed"),
            "duplicates": metric(service, "tickwire_pipeline_duplicates_total"),
            "connects": metric(service, "tickwire_feed_connects_total"),
        }
        ledger = exchange.get("/ledger")["symbols"]
        served = {symbol: exchange.get(f"/trades?symbol={symbol}&from={ledger[symbol]['last'] - 5000}&to={ledger[symbol]['last']}&limit=5001")
                  for symbol in ledger}
        time.sleep(1)
        took = service.stop()
        compare(report, database, ledger, served)
        check_gaps(report, database, ledger)
        check_alerts(report, database)
        check_memory(report, memory)
        check_faults(report, faults, counts, ledger)
        report.check("stops", took < 10, f"{took:.1f} s")
        return report
    finally:
        if service.process.poll() is None:
            service.stop()
        exchange.stop()


def wait_quietly(condition, timeout):
    try:
        return wait_until(condition, timeout)
    except AssertionError:
        return False


def watch(service, seconds, note):
    """Lets it run and takes the memory twice a second."""
    memory = []
    end = time.monotonic() + seconds
    said = time.monotonic()
    while time.monotonic() < end:
        if service.process.poll() is not None:
            raise AssertionError(f"the service ended with {service.process.returncode}:\n{service.text()[-4000:]}")
        memory.append(resident_bytes(service.process.pid))
        if time.monotonic() - said > 30:
            said = time.monotonic()
            note(f"{end - said:.0f} s left, {metric(service, 'tickwire_pipeline_ticks_total')} ticks, "
                 f"{memory[-1] / 1e6:.0f} MB")
        time.sleep(0.5)
    return memory


def compare(report, database, ledger, served):
    """Stored is what happened minus what was dropped for good, each trade once and as it was."""
    stored = {}
    for symbol, identifier in rows(database, "SELECT symbol, id FROM ticks WHERE kind = 'trade'"):
        stored.setdefault(symbol, []).append(int(identifier))
    missing, surplus, doubled, expected = {}, 0, 0, 0
    for symbol, account in ledger.items():
        wanted = set(range(account["first"], account["last"] + 1)) - ids(account["droppedIds"])
        got = stored.get(symbol, [])
        # The market went on after the ledger was written.
        got_then = {number for number in got if number <= account["last"]}
        if wanted - got_then:
            missing[symbol] = sorted(wanted - got_then)
        surplus += len(got_then - wanted)
        doubled += len(got) - len(set(got))
        expected += len(wanted)
    lost = sum(map(len, missing.values()))
    detail = f"{expected} trades of {len(ledger)} symbols"
    if lost:
        symbol, numbers = next(iter(missing.items()))
        detail = f"{lost} of {detail} are missing, {symbol} first {numbers[0]} (trade {numbers[0] - ledger[symbol]['first']})"
    report.check("stored = sent - dropped", lost == 0 and expected > 0, detail)
    report.check("nothing invented", surplus == 0, f"{surplus} trades that the exchange dropped or never made")
    report.check("each trade once", doubled == 0, f"{doubled} doubled")
    values = {
        (symbol, identifier): (price, size, side) for symbol, identifier, price, size, side
        in rows(database, "SELECT symbol, id, price, size, side FROM ticks WHERE kind = 'trade'")
    }
    compared = wrong = 0
    for symbol, answer in served.items():
        for trade in answer["trades"]:
            found = values.get((symbol, trade["id"]))
            compared += 1
            if found and (str(found[0].normalize()), str(found[1].normalize()), found[2]) != normalized(trade):
                wrong += 1
    report.check("values as sent", wrong == 0 and compared > 0, f"{compared} compared, {wrong} differ")


def normalized(trade):
    import decimal

    return str(decimal.Decimal(trade["price"]).normalize()), str(decimal.Decimal(trade["size"]).normalize()), trade["side"]


def check_gaps(report, database, ledger):
    """Every trade that is lost for good lies in a row of feed_gaps that says so."""
    covered = {}
    for symbol, first, last, state in gaps(database):
        covered.setdefault(symbol, []).append((first, last, state))
    unnamed = 0
    dropped = 0
    for symbol, account in ledger.items():
        # What was dropped before the first or after the last trade that came is no hole.
        stored = [int(row[0]) for row in rows(
            database, "SELECT id FROM ticks WHERE kind = 'trade' AND symbol = %s", symbol)]
        inside = {number for number in ids(account["droppedIds"]) if min(stored) < number < max(stored)}
        named = ids((first, last) for first, last, _ in covered.get(symbol, []))
        unnamed += len(inside - named)
        dropped += len(inside)
    states = dict(rows(database, "SELECT state, count(*) FROM feed_gaps GROUP BY 1"))
    report.check(
        "every hole has a row", unnamed == 0,
        f"{dropped} dropped trades, {unnamed} in no gap; " + ", ".join(f"{count} {state}" for state, count in sorted(states.items())))


def check_alerts(report, database):
    fired = rows(
        database,
        "SELECT symbols.name, alert_events.expression, count(*) FROM alert_events JOIN alerts ON alerts.id = alert_id"
        " JOIN symbols ON symbols.id = alerts.symbol_id GROUP BY 1, 2")
    false = [row for row in fired if (row[0], row[1]) in NEVER]
    true = [row[2] for row in fired if (row[0], row[1]) == ONCE]
    report.check("no false alert", not false, f"{len(NEVER)} armed, fired: {false or 'none'}")
    report.check("the true alert, once", true == [1], f"fired {true or 'never'}")


def check_memory(report, memory):
    """After the first third memory stays where it is."""
    tenth = max(1, len(memory) // 10)
    before = statistics.median(memory[len(memory) // 3:len(memory) // 3 + tenth])
    after = statistics.median(memory[-tenth:])
    allowed = before * 1.15 + 16e6
    report.check("memory flat", after <= allowed, f"{before / 1e6:.0f} MB after a third, {after / 1e6:.0f} MB at the end, {max(memory) / 1e6:.0f} MB at most")


def check_faults(report, faults, counts, ledger):
    """The faults that were asked for have happened, or this proves nothing."""
    total = {key: sum(account[key] for account in ledger.values()) for key in ("sent", "dropped", "withheld", "doubled", "reordered")}
    happened = {
        "drop": total["dropped"], "duplicate": min(total["doubled"], counts["duplicates"]), "reorder": total["reordered"],
        "garbage": counts["malformed"], "gap": total["withheld"], "disconnect": counts["connects"] - 1,
    }
    absent = [name for name, count in happened.items() if name in faults and count <= 0]
    report.check(
        "the faults happened", not absent,
        ", ".join(f"{key} {value}" for key, value in {**total, **counts}.items()) + (f"; none of {absent}" if absent else ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rate", type=int, default=2000, help="messages a second")
    parser.add_argument("--faults", default=FAULTS)
    arguments = parser.parse_args()
    server = os.environ.get("TICKWIRE_TEST_DATABASE_URL")
    if not server:
        sys.exit("TICKWIRE_TEST_DATABASE_URL is not set: run scripts/soak.sh")
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS soak WITH (FORCE)")
        admin.execute("CREATE DATABASE soak")
    parameters = {**psycopg.conninfo.conninfo_to_dict(server), "dbname": "soak"}
    folder = tempfile.mkdtemp(prefix="tickwire-soak-")
    print(f"{arguments.minutes:g} minutes at {arguments.rate} messages a second; logs in {folder}\n{arguments.faults}", file=sys.stderr)
    report = run(
        psycopg.conninfo.make_conninfo(**parameters), folder, arguments.minutes * 60, arguments.rate, arguments.faults,
        note=lambda text: print(text, file=sys.stderr, flush=True))
    print(report)
    sys.exit(0 if report.holds else 1)


if __name__ == "__main__":
    main()
