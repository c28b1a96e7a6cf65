"""Market data end to end encrypted: a token's holder reads it with PyNaCl, as client libraries do."""
import base64
import contextlib
import http.client
import json
import urllib.parse

import nacl.secret
from websockets.sync.client import connect

from conftest import APP, free_port, tickwire, wait_until
from exchanges import PriceExchange

MASTER = base64.b64encode(bytes(range(32))).decode()


@contextlib.contextmanager
def encrypted_ticker(database, start, tmp_path):
    """A service with one price, and how to subscribe to its encrypted ticker as somebody with a token."""
    with PriceExchange(free_port()) as exchange:
        service = start(
            "up", "--feeds", "sim", "--feed-url", f"sim={exchange.url}", "--symbols", "BTC-USD", DATABASE_URL=database,
            TICKWIRE_APP_ENCRYPTION_MASTER_KEY=MASTER)
        wait_until(exchange.subscribed, what="the feed's subscription")
        env = {"DATABASE_URL": database, "TICKWIRE_DATA_DIR": tmp_path / "data"}
        tickwire("users", "create", "ann", check=True, **env)
        token = tickwire("tokens", "create", "ann", check=True, **env).stdout.strip()
        exchange.trade("BTC-USD", "64000.5")
        wait_until(lambda: "tickwire_pipeline_ticks_total 1" in service.get("/metrics"), what="the trade")

        @contextlib.contextmanager
        def subscribed():
            channel = "private-encrypted-ticker-BTC-USD"
            with connect(f"ws://127.0.0.1:{service.port}/app/{APP['TICKWIRE_APP_KEY']}?protocol=7&client=test&version=1.0") as connection:
                socket_id = json.loads(json.loads(connection.recv(5))["data"])["socket_id"]
                request = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
                request.request("POST", "/pusher/auth", urllib.parse.urlencode({"socket_id": socket_id, "channel_name": channel}), {
                    "Authorization": f"Bearer {token}", "Content-Type": "application/x-www-form-urlencoded"})
                answer = json.loads(request.getresponse().read())
                box = nacl.secret.SecretBox(base64.b64decode(answer["shared_secret"]))
                connection.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": channel, "auth": answer["auth"]}}))
                assert json.loads(connection.recv(5))["event"] == "pusher_internal:subscription_succeeded"

                def read():
                    frame = json.loads(connection.recv(10))
                    sealed = json.loads(frame["data"])
                    text = box.decrypt(base64.b64decode(sealed["ciphertext"]), base64.b64decode(sealed["nonce"]))
                    return frame["event"], json.loads(text)

                yield read

        yield service, exchange, subscribed


def test_a_token_holder_reads_the_encrypted_ticker(database, start, tmp_path):
    with encrypted_ticker(database, start, tmp_path) as (_, exchange, subscribed), subscribed() as read:
        event, snapshot = read()
        assert event == "snapshot" and snapshot["price"] == "64000.5"
        exchange.trade("BTC-USD", "64001.5")
        event, tick = read()
        assert event == "tick" and tick["price"] == "64001.5" and tick["sequence"] == snapshot["sequence"] + 1


def test_who_comes_after_everybody_has_left_sees_no_old_price(database, start, tmp_path):
    with encrypted_ticker(database, start, tmp_path) as (service, exchange, subscribed):
        with subscribed() as read:
            assert read()[0] == "snapshot"
            exchange.trade("BTC-USD", "64001.5")
            assert read()[1]["price"] == "64001.5"
        # Nothing is sealed now, so what the channel held would be old.
        wait_until(lambda: "tickwire_gateway_subscriptions 0" in service.get("/metrics"), what="the last one's leaving")
        exchange.trade("BTC-USD", "64002.5")
        wait_until(lambda: "tickwire_pipeline_ticks_total 3" in service.get("/metrics"), what="the trade")
        with subscribed() as read:
            event, snapshot = read()
            assert event == "snapshot" and snapshot["price"] == "64002.5"
            exchange.trade("BTC-USD", "64003.5")
            event, tick = read()
            assert event == "tick" and tick["price"] == "64003.5"
