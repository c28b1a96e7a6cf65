"""An alert from crossing to webhook, private channel and stored push payloads."""
import base64
import hashlib
import hmac
import http.server
import json
import pathlib
import threading
import time

import jsonschema
import pusher
import pytest
from websockets.sync.client import connect

from conftest import APP, environment, free_port, json_lines, rows, tickwire, wait_until
from exchanges import PriceExchange
from soak import metric

SCHEMAS = pathlib.Path(__file__).parent / "schemas"


def validate(document, schema):
    jsonschema.validate(document, json.loads((SCHEMAS / schema).read_text()), format_checker=jsonschema.FormatChecker())


class Receiver:
    """A webhook receiver that can be told to fail first."""

    def __init__(self):
        self.requests = []
        self.failures = 0
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((dict(self.headers), body))
                status = 500 if receiver.failures > 0 else 204
                receiver.failures -= 1
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"


@pytest.fixture
def market(start, database):
    with PriceExchange(free_port()) as exchange:
        service = start(
            "up", "--feeds", "sim", "--feed-url", f"sim={exchange.url}", "--symbols", "BTC-USD,AAPL",
            DATABASE_URL=database, TICKWIRE_WEBHOOKS_ALLOW_PRIVATE="true",
        )
        wait_until(exchange.subscribed, what="the feed's subscription")
        yield service, exchange, database


def fired(database):
    return rows(database, "SELECT count(*) FROM alert_events")[0][0]


def test_a_crossing_fires_once_and_again_only_after_the_price_came_back(market):
    service, exchange, database = market
    receiver = Receiver()
    exchange.trade("BTC-USD", "69990")
    wait_until(lambda: rows(database, "SELECT count(*) FROM trades") == [(1,)])
    added = tickwire("alerts", "add", "BTC-USD", "crosses above 70000", "--user", "ann", "--webhook", receiver.url, "--json", env=service.env, check=True)
    alert = json.loads(added.stdout)
    listed = json_lines(tickwire("alerts", "list", "--json", env=service.env, check=True).stdout)
    assert [entry["id"] for entry in listed] == [alert["id"]]

    messages = []
    api = pusher.Pusher(APP["TICKWIRE_APP_ID"], APP["TICKWIRE_APP_KEY"], APP["TICKWIRE_APP_SECRET"], host="127.0.0.1", port=service.port, ssl=False)
    with connect(f"ws://127.0.0.1:{service.port}/app/{APP['TICKWIRE_APP_KEY']}?protocol=7") as connection:
        socket_id = json.loads(json.loads(connection.recv(5))["data"])["socket_id"]
        auth = api.authenticate("private-alerts-ann", socket_id)["auth"]
        connection.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": "private-alerts-ann", "auth": auth}}))
        assert json.loads(connection.recv(5))["event"] == "pusher_internal:subscription_succeeded"
        wait_until(lambda: alert_is_armed(service, alert["id"]), what="the alert at the evaluator")

        for step in range(100):
            exchange.trade("BTC-USD", 70001 + step % 7)
        wait_until(lambda: fired(database) == 1, what="the first event")
        wait_until(lambda: rows(database, "SELECT count(*) FROM trades") == [(101,)])
        assert fired(database) == 1
        messages.append(json.loads(connection.recv(5)))

        exchange.trade("BTC-USD", "69999")
        exchange.trade("BTC-USD", "70000.01")
        wait_until(lambda: fired(database) == 2, what="the second event")
        messages.append(json.loads(connection.recv(5)))
        with pytest.raises(TimeoutError):
            connection.recv(0.5)

    assert [message["event"] for message in messages] == ["alert", "alert"]
    wait_until(lambda: len(receiver.requests) == 2, what="both webhooks")
    time.sleep(0.3)
    assert len(receiver.requests) == 2

    headers, body = receiver.requests[0]
    event = json.loads(body)
    validate(event, "webhook.json")
    lower = {name.lower(): value for name, value in headers.items()}
    assert lower["webhook-id"] and abs(int(lower["webhook-timestamp"]) - time.time()) < 60
    secret = alert["webhookSecret"]
    signed = f"{lower['webhook-id']}.{lower['webhook-timestamp']}.".encode() + body
    digest = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    assert "v1," + base64.b64encode(digest).decode() in lower["webhook-signature"].split(" ")

    for crossing, apns, fcm, web in rows(database, "SELECT crossing, payloads->'apns', payloads->'fcm', payloads->'webPush' FROM alert_events ORDER BY crossing"):
        validate(apns, "apns.json")
        validate(fcm, "fcm.json")
        validate(web, "webpush.json")
        assert len(json.dumps(apns["payload"]).encode()) <= 4096

    tickwire("alerts", "remove", alert["id"], env=service.env, check=True)
    assert tickwire("alerts", "list", "--json", env=service.env, check=True).stdout == ""
    exchange.trade("BTC-USD", "69000")
    exchange.trade("BTC-USD", "71000")
    wait_until(lambda: rows(database, "SELECT count(*) FROM trades") == [(105,)])
    assert fired(database) == 2


def alert_is_armed(service, identifier):
    return f"tickwire_alerts_armed 1" in service.get("/metrics")


def test_a_failing_webhook_is_tried_again_with_the_same_id(market):
    service, exchange, database = market
    receiver = Receiver()
    receiver.failures = 1
    tickwire("alerts", "add", "AAPL", "above 200 once", "--webhook", receiver.url, env=service.env, check=True)
    wait_until(lambda: "tickwire_alerts_armed 1" in service.get("/metrics"))
    exchange.trade("AAPL", "201")
    wait_until(lambda: len(receiver.requests) >= 2, timeout=30, what="the second try")
    ids = {headers["webhook-id"] for headers, _ in [({k.lower(): v for k, v in h.items()}, b) for h, b in receiver.requests]}
    assert len(ids) == 1
    wait_until(lambda: rows(database, "SELECT count(*) FROM deliveries WHERE state = 'done'") == [(1,)], what="the delivery's end")


def test_cooldown_holds_back_what_follows_at_once(market):
    service, exchange, database = market
    tickwire("alerts", "add", "BTC-USD", "crosses 100 cooldown 1h", env=service.env, check=True)
    wait_until(lambda: "tickwire_alerts_armed 1" in service.get("/metrics"))
    for price in (99, 101, 99, 101, 99):
        exchange.trade("BTC-USD", price)
    wait_until(lambda: rows(database, "SELECT count(*) FROM trades") == [(5,)])
    wait_until(lambda: fired(database) == 1)
    time.sleep(0.3)
    assert fired(database) == 1


def test_a_webhook_to_a_private_address_is_refused_unless_allowed(start, database):
    receiver = Receiver()
    with PriceExchange(free_port()) as exchange:
        service = start("up", "--feeds", "sim", "--feed-url", f"sim={exchange.url}", "--symbols", "BTC-USD", DATABASE_URL=database)
        wait_until(exchange.subscribed)
        tickwire("alerts", "add", "BTC-USD", "above 1 once", "--webhook", receiver.url, env=service.env, check=True)
        wait_until(lambda: "tickwire_alerts_armed 1" in service.get("/metrics"))
        exchange.trade("BTC-USD", "2")
        wait_until(lambda: rows(database, "SELECT count(*) FROM deliveries WHERE last_error IS NOT NULL") == [(1,)], what="the refusal")
    assert receiver.requests == []


def test_windows_are_filled_from_the_history_when_an_alert_is_added_and_after_a_restart(start, database):
    with PriceExchange(free_port()) as exchange:
        arguments = ["up", "--feeds", "sim", "--feed-url", f"sim={exchange.url}", "--symbols", "BTC-USD"]
        service = start(*arguments, DATABASE_URL=database)

        def trade_until(price, count):
            """Trades at a price until so many events are stored: a window is filled a moment after its alert is armed."""
            def is_there():
                exchange.trade("BTC-USD", price)
                return len(firings()) == count
            wait_until(is_there, what=f"event {count}")

        def add(expression):
            out = tickwire("alerts", "add", "BTC-USD", expression, "--json", env=service.env, check=True).stdout
            alert = json.loads(out)["id"]
            wait_until(lambda: metric(service, "tickwire_alerts_armed") == rows(database, "SELECT count(*) FROM alerts")[0][0], what="the alert in the evaluator")
            return alert

        def firings():
            return rows(database, "SELECT alert_id, price::float, measurement->>'reference' FROM alert_events ORDER BY id")

        wait_until(exchange.subscribed, what="the subscription")
        exchange.trade("BTC-USD", "100")
        wait_until(lambda: rows(database, "SELECT count(*) FROM trades") == [(1,)], what="the record")
        # Its window knows the price before it was added.
        small = add("moves 5% in 10m")
        exchange.trade("BTC-USD", "104")
        trade_until("105.5", 1)
        assert firings() == [(small, 105.5, "100")]
        service.stop()
        service = start(*arguments, DATABASE_URL=database)
        wait_until(exchange.subscribed, what="the subscription after the restart")
        wait_until(lambda: metric(service, "tickwire_alerts_armed") == 1, what="the alert after the restart")
        large = add("up 8% in 1h")
        exchange.trade("BTC-USD", "107.5")
        trade_until("108.5", 2)
        assert firings()[1] == (large, 108.5, "100")
        assert service.process.poll() is None
