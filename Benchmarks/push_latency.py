"""Alerts that fire at a steady rate, and how late their notifications reach a mock of APNs; see push_latency.sh."""
import argparse
import asyncio
import datetime
import hashlib
import json
import pathlib
import re
import sys
import tempfile
import time

import psycopg

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests" / "BlackBox"))

from conftest import APP, Service, free_port, new_database, tickwire, wait_until
from exchanges import PriceExchange
from push_rig import TOPIC, Services

SYMBOLS, ALERTS_EACH = 100, 10


def symbol(number):
    return f"S{number:03d}-USD"


def prepare(database):
    """Ten users, each with a device and an alert on every symbol, so that one trade fires ten alerts."""
    with psycopg.connect(database) as connection:
        for number in range(SYMBOLS):
            connection.execute("INSERT INTO symbols (name, asset) VALUES (%s, 'crypto')", (symbol(number),))
        for number in range(ALERTS_EACH):
            token = hashlib.sha256(str(number).encode()).hexdigest()
            connection.execute(
                """INSERT INTO devices (user_id, service, token_hash, token, topic, environment)
                VALUES (%s, 'apns', %s, %s, %s, 'production')""",
                (f"user{number}", hashlib.sha256(f"apns\n{token}".encode()).digest(), token, TOPIC))
            connection.execute(
                "INSERT INTO notification_preferences (user_id, burst, interval_seconds) VALUES (%s, 10000, 1)", (f"user{number}",))
            connection.execute(
                "INSERT INTO alerts (owner, symbol_id, expression) SELECT %s, id, 'crosses 100' FROM symbols", (f"user{number}",))


def play(exchange, rate, seconds):
    """Trades at an even pace, each on the other side of the threshold; returns how many were sent."""
    async def trades():
        started = time.monotonic()
        count = 0
        while time.monotonic() - started < seconds:
            due = int((time.monotonic() - started) * rate / ALERTS_EACH)
            while count < due:
                name, lap = symbol(count % SYMBOLS), count // SYMBOLS
                count += 1
                frame = json.dumps({
                    "type": "trade", "symbol": name, "price": "99" if lap % 2 else "101", "size": "1", "side": "buy",
                    "id": f"b{count}", "seq": 2 + lap,
                    "time": datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z")})
                for client in list(exchange._clients):
                    await client.send(frame)
            await asyncio.sleep(0.002)
        return count

    return asyncio.run_coroutine_threadsafe(trades(), exchange._loop).result(seconds + 60)


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def histogram(metrics):
    """p50 and p99 in milliseconds as the bounds of their buckets."""
    buckets = [(float(bound), int(count)) for bound, count in re.findall(
        r'tickwire_delivery_latency_seconds_bucket\{le="([^"]+)"\} (\d+)', metrics)]
    total = buckets[-1][1]
    return [next(1000 * bound for bound, count in buckets if count >= total * share) for share in (0.5, 0.99)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, new_database() as database, PriceExchange(free_port()) as exchange:
        folder = pathlib.Path(name)
        port = free_port()
        services = Services(
            folder, database, TICKWIRE_ALERTS_STORM_FIRINGS="10000", TICKWIRE_ALERTS_STORM_WINDOW="1",
            TICKWIRE_DELIVER_TIMEOUT="12", TICKWIRE_DELIVER_LEASE="60", **APP)
        services.apns.reply_delay = 0.02
        tickwire("migrate", env=services.env, check=True)
        prepare(database)
        names = ",".join(symbol(number) for number in range(SYMBOLS))
        service = Service(
            ["up", "--port", port, "--feeds", "sim", "--feed-url", f"sim={exchange.url}", "--symbols", names], services.env, port,
            folder / "up.log")
        try:
            service.wait_ready()
            wait_until(exchange.subscribed, what="the feed's subscription")
            wait_until(lambda: f"tickwire_alerts_armed {SYMBOLS * ALERTS_EACH}" in service.get("/metrics"), 60, "the alerts")
            for number in range(SYMBOLS):
                exchange.send(json.dumps({
                    "type": "trade", "symbol": symbol(number), "price": "99", "size": "1", "side": "buy", "id": f"a{number}", "seq": 1,
                    "time": datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z")}))
            wait_until(lambda: f"tickwire_pipeline_ticks_total {SYMBOLS}" in service.get("/metrics"), what="the first prices")
            started = time.monotonic()
            expected = play(exchange, options.rate, options.seconds) * ALERTS_EACH
            took = time.monotonic() - started
            waited = time.monotonic()
            while len(services.apns.accepted) < expected and time.monotonic() - waited < 20:
                time.sleep(0.1)
            taken = list(services.apns.accepted)
            late = []
            for record in taken:
                fields = json.loads(record.body)
                traded = datetime.datetime.fromisoformat(fields["eventTime"].replace("Z", "+00:00")).timestamp()
                late.append((record.time - traded) * 1000)
            with psycopg.connect(database) as connection:
                shares = connection.execute(
                    """SELECT percentile_disc(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY created_at - fired_at),
                        percentile_disc(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY finished_at - created_at),
                        percentile_disc(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY fired_at - event_time),
                        count(DISTINCT created_at)
                    FROM deliveries JOIN alert_events ON alert_events.id = event_id WHERE state = 'done'""").fetchone()
                texts = [", ".join(f"{part.total_seconds() * 1000:.0f} ms" for part in pair) for pair in shares[:3]]
                print(f"p50, p99: trade to firing {texts[2]}; firing to outbox {texts[0]} ({shares[3]} transactions); "
                      f"outbox to written down {texts[1]}")
            own = histogram(service.get("/metrics"))
            states = psycopg.connect(database).execute("SELECT state, count(*) FROM deliveries GROUP BY 1").fetchall()
            print(f"alerts {expected}, a second {expected / took:.0f}, notifications {len(taken)}, deliveries {dict(states)}")
            print(f"firing to first request (histogram): p50 <= {own[0]:.0f} ms, p99 <= {own[1]:.0f} ms")
            print(f"trade at the exchange to request at APNs: p50 {quantile(late, 0.5):.1f} ms, p99 {quantile(late, 0.99):.1f} ms, "
                  f"longest {max(late):.1f} ms")
            print(f"connections {services.apns.connections}, streams at most {services.apns.streams_max}")
        finally:
            try:
                service.stop()
            finally:
                services.stop()
            if service.process.returncode:
                print((folder / "up.log").read_text()[-3000:], file=sys.stderr)


if __name__ == "__main__":
    main()
