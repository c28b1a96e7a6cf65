"""What `tickwire ingest` publishes to hosted Pusher, or any server that speaks its HTTP API."""
import base64
import http.server
import json
import threading
import time

import nacl.secret
import pusher.signature
import pytest

from conftest import APP, free_port, tickwire, wait_until
from exchanges import PriceExchange

MASTER = base64.b64encode(bytes(range(32))).decode()


class PusherServer:
    """Plays the HTTP API: checks each signature and keeps the events; answers with the statuses it is told, then 200."""

    def __init__(self, statuses=()):
        self.batches = []
        self.statuses = list(statuses)
        self.subscribers = 0
        self.refuses = lambda batch: False
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                batch = json.loads(body)["batch"]
                path, query = self.path.split("?")
                parameters = dict(item.split("=") for item in query.split("&"))
                given = parameters.pop("auth_signature")
                text = "\n".join(["POST", path, "&".join(f"{k}={v}" for k, v in sorted(parameters.items()))])
                is_signed = given == pusher.signature.sign(APP["TICKWIRE_APP_SECRET"], text)
                status = fake.statuses.pop(0) if fake.statuses else 200
                status = 400 if fake.refuses(batch) else status
                fake.batches.append((time.monotonic(), status, batch, is_signed))
                answer = json.dumps({"batch": [{"subscription_count": fake.subscribers} if "info" in item else {} for item in batch]}).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def events(self, channel):
        return [item for _, status, batch, _ in list(self.batches) if status == 200 for item in batch if item["channel"] == channel]

    def data(self, channel, name="tick"):
        return [json.loads(item["data"]) for item in self.events(channel) if item["name"] == name]


@pytest.fixture
def published(database, start):
    """Starts an ingester that a test's exchange feeds and that publishes to a test's server."""
    servers = []

    def run(server, **settings):
        exchange = PriceExchange(free_port())
        exchange.__enter__()
        servers.append((server, exchange))
        service = start(
            "ingest", "--feeds", "sim", "--feed-url", f"sim={exchange.url}", "--symbols", "BTC-USD,AAPL",
            "--publish-to", server.url, DATABASE_URL=database, **settings)
        wait_until(exchange.subscribed, what="the feed's subscription")
        return service, exchange

    yield run
    for server, exchange in servers:
        exchange.__exit__(None, None, None)
        server.server.shutdown()


def test_batches_are_signed_and_keep_to_ten(published):
    server = PusherServer()
    _, exchange = published(server)
    for step in range(60):
        exchange.trade("BTC-USD", f"6400{step % 10}.5")
    wait_until(lambda: len(server.events("trades-BTC-USD")) == 60, what="all trades")
    assert all(is_signed for *_, is_signed in server.batches)
    assert max(len(batch) for _, _, batch, _ in server.batches) <= 10
    ticks = server.data("ticker-BTC-USD")
    assert [tick["sequence"] for tick in ticks] == list(range(ticks[0]["sequence"], ticks[0]["sequence"] + 60))


def test_one_bad_event_does_not_take_its_batch_with_it(published):
    server = PusherServer()
    server.refuses = lambda batch: any('"64002.5"' in item["data"] and item["name"] == "trade" for item in batch)
    service, exchange = published(server)
    for step in range(5):
        exchange.trade("BTC-USD", f"6400{step}.5")
    wait_until(lambda: len(server.data("ticker-BTC-USD")) == 5 and len(server.data("trades-BTC-USD", "trade")) == 4, what="all but the bad trade")
    # The trade was on trades-BTC-USD and on trades-BTC-USD@sim.
    wait_until(lambda: "tickwire_publisher_dropped_total 2" in service.get("/metrics"), what="the count of the bad events")
    assert service.text().count("Events dropped") == 2


def test_a_server_that_refuses_the_key_is_not_pestered(published):
    server = PusherServer(statuses=[401] * 50)
    service, exchange = published(server)
    for step in range(20):
        exchange.trade("BTC-USD", f"6400{step % 10}.5")
    wait_until(lambda: "Server refuses the app" in service.text(), what="the message")
    exchange.trade("BTC-USD", "64000.5")
    wait_until(lambda: gauge(service, "tickwire_publisher_waiting") > 0, what="waiting events")
    assert len(server.batches) == 1 and service.text().count("Server refuses the app") == 1


def test_a_server_in_trouble_gets_everything_in_the_end(published):
    server = PusherServer(statuses=[500, 503])
    _, exchange = published(server)
    for step in range(10):
        exchange.trade("BTC-USD", f"6400{step % 10}.5")
    wait_until(lambda: len(server.events("trades-BTC-USD")) == 10, what="all trades")
    assert [item["data"] for item in server.batches[0][2]] == [item["data"] for item in server.batches[1][2]]


def test_a_budget_is_kept_by_merging_ticks_that_add_up(published):
    server = PusherServer()
    service, exchange = published(server, TICKWIRE_PUBLISH_MESSAGES_PER_SECOND=20)
    began = time.monotonic()
    for step in range(400):
        exchange.trade("BTC-USD", f"6{step:04d}.5")
    exchange.trade("BTC-USD", "61000.5")
    wait_until(lambda: server.data("ticker-BTC-USD") and server.data("ticker-BTC-USD")[-1]["price"] == "61000.5", what="the newest price")
    ticks = server.data("ticker-BTC-USD")
    sent = sum(len(batch) for *_, batch, _ in server.batches)
    assert sent <= 20 * (time.monotonic() - began + 2)
    assert sum(tick.get("merged", 1) for tick in ticks) == 401 and len(ticks) < 100
    assert all("merged" not in trade for trade in server.data("trades-BTC-USD", "trade"))
    assert "tickwire_publisher_merged_total" in service.get("/metrics")


def test_deliveries_count_when_they_are_asked_for(published):
    server = PusherServer()
    server.subscribers = 7
    service, exchange = published(server, TICKWIRE_PUBLISH_MESSAGES_PER_SECOND=1000, TICKWIRE_PUBLISH_COUNT_DELIVERIES="true")
    exchange.trade("BTC-USD", "64000.5")
    wait_until(lambda: server.events("trades-BTC-USD"), what="the trade")

    def adds_up():
        return gauge(service, "tickwire_publisher_messages_total") == 9 * gauge(service, "tickwire_publisher_published_total") > 0

    wait_until(adds_up, what="messages that add up")


def test_an_interval_sends_one_tick_a_channel(published):
    server = PusherServer()
    _, exchange = published(server, TICKWIRE_PUBLISH_INTERVAL=500, TICKWIRE_PUBLISH_BATCH=1000)
    began, price = time.monotonic(), 100_000
    while time.monotonic() - began < 2:
        price += 1
        exchange.trade("BTC-USD", f"{price}.25")
    exchange.trade("BTC-USD", f"{price}.5")
    wait_until(lambda: server.data("ticker-BTC-USD") and server.data("ticker-BTC-USD")[-1]["price"] == f"{price}.5", what="the newest price")
    ticks = server.data("ticker-BTC-USD")
    assert 3 <= len(ticks) <= (time.monotonic() - began) / 0.5 + 2
    assert sum(tick.get("merged", 1) for tick in ticks) == price - 100_000 + 1


def test_encrypted_channels_open_with_pynacl(published):
    server = PusherServer()
    _, exchange = published(server, TICKWIRE_PUBLISH_ENCRYPTED="true", TICKWIRE_APP_ENCRYPTION_MASTER_KEY=MASTER)
    exchange.trade("BTC-USD", "64000.5", size="0.25")
    wait_until(lambda: server.events("private-encrypted-trades-BTC-USD"), what="the encrypted trade")
    plain = [item["data"] for item in server.events("ticker-BTC-USD")]
    sealed = [json.loads(item["data"]) for item in server.events("private-encrypted-ticker-BTC-USD")]
    key = base64.b64decode(shared_secret("private-encrypted-ticker-BTC-USD"))
    opened = [nacl.secret.SecretBox(key).decrypt(base64.b64decode(box["ciphertext"]), base64.b64decode(box["nonce"])).decode() for box in sealed]
    assert opened == plain and json.loads(opened[-1])["price"] == "64000.5"
    assert len({box["nonce"] for box in sealed}) == len(sealed)


def gauge(service, name):
    return next(int(line.split()[1]) for line in service.get("/metrics").splitlines() if line.startswith(name + " "))


def shared_secret(channel):
    """As PyPI's `pusher` gives it to clients."""
    client = pusher.Pusher(app_id="3", key="k", secret="s", encryption_master_key_base64=MASTER)
    return client.authenticate(channel, "1.2")["shared_secret"]


@pytest.mark.parametrize("name, value, expected", [
    ("TICKWIRE_PUBLISH_MESSAGES_PER_DAY", "many", "publish.messagesPerDay is 'many'"),
    ("TICKWIRE_APP_ENCRYPTION_MASTER_KEY", "c2hvcnQ=", "openssl rand -base64 32"),
])
def test_bad_settings_stop_the_start(name, value, expected):
    result = tickwire("ingest", **{name: value})
    assert result.returncode == 78 and expected in result.stderr and "c2hvcnQ=" not in result.stderr


def test_hosted_pusher_takes_ten_a_batch():
    result = tickwire("ingest", "--publish-to", "https://api-eu.pusher.com", TICKWIRE_PUBLISH_BATCH=1000)
    assert result.returncode == 78 and "at most 10" in result.stderr
