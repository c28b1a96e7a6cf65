"""From a crossing to a notification on the wire: alerts reach the devices of their user."""
import base64
import json
import os
import urllib.error
import urllib.request

import http_ece
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from conftest import free_port, rows, tickwire, wait_until
from exchanges import PriceExchange
from test_alerts import Receiver


@pytest.fixture
def market(start, database):
    with PriceExchange(free_port()) as exchange:
        def run(**extra):
            service = start(
                "up", "--feeds", "sim", "--feed-url", f"sim={exchange.url}", "--symbols", "BTC-USD", DATABASE_URL=database,
                TICKWIRE_WEBHOOKS_ALLOW_PRIVATE="true", **extra)
            wait_until(exchange.subscribed, what="the feed's subscription")
            return service
        yield run, exchange, database


def cross(service, exchange, *, expression="crosses above 70000"):
    tickwire("alerts", "add", "BTC-USD", expression, "--user", "ann", env=service.env, check=True)
    wait_until(lambda: "tickwire_alerts_armed 1" in service.get("/metrics"), what="the alert at the evaluator")
    exchange.trade("BTC-USD", "69990")
    exchange.trade("BTC-USD", "70001")


def test_a_crossing_reaches_an_ntfy_topic_and_no_other_user(market):
    run, exchange, database = market
    service = run()
    mine, other = Receiver(), Receiver()
    base = mine.url.removesuffix("/hook")
    tickwire("devices", "add", "ann", "--ntfy", f"{base}/prices", env=service.env, check=True)
    tickwire("devices", "add", "bob", "--ntfy", f"{other.url.removesuffix('/hook')}/prices", env=service.env, check=True)
    cross(service, exchange)
    wait_until(lambda: mine.requests, what="the notification")
    message = json.loads(mine.requests[0][1])
    assert message["topic"] == "prices" and message["title"] == "BTC-USD crossed above 70000"
    assert "70001" in message["message"]
    wait_until(lambda: rows(database, "SELECT state, event_id IS NOT NULL FROM deliveries") == [("done", True)])
    exchange.trade("BTC-USD", "70002")
    wait_until(lambda: rows(database, "SELECT count(*) FROM trades") == [(3,)])
    assert len(mine.requests) == 1 and other.requests == []
    histogram = service.get("/metrics")
    assert "tickwire_delivery_latency_seconds_bucket" in histogram


def test_a_browser_that_registered_with_a_token_gets_its_users_alert(market, tmp_path):
    run, exchange, database = market
    receiver = Receiver()
    data = {"TICKWIRE_PUSH_VAPID_SUBJECT": "mailto:ops@example.com", "TICKWIRE_PUSH_WEB_PUSH_HOSTS": "*"}
    key = tickwire("push", "vapid", "--json", TICKWIRE_DATA_DIR=tmp_path / "data", check=True)
    service = run(**data)
    public = json.loads(service.get("/dashboard.json"))["vapidPublicKey"]
    assert public in key.stdout

    tickwire("users", "create", "ann", env=service.env, check=True)
    token = json.loads(tickwire("tokens", "create", "ann", "--scope", "alerts", "--json", env=service.env, check=True).stdout)["token"]
    assert call(service, "GET", "/v1/me", token)[1]["user"] == "ann"
    browser = ec.generate_private_key(ec.SECP256R1())
    point = browser.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    secret = os.urandom(16)
    encode = lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("=")
    subscription = {"endpoint": receiver.url, "keys": {"p256dh": encode(point), "auth": encode(secret)}}
    status, device = call(service, "POST", "/v1/devices", token, {"webPush": subscription, "locale": "en-GB"})
    assert status == 200 and device["service"] == "webPush"
    assert [entry["id"] for entry in call(service, "GET", "/v1/devices", token)[1]["devices"]] == [device["id"]]

    cross(service, exchange, expression="crosses 70000 priority urgent")
    wait_until(lambda: receiver.requests, what="the push")
    headers, body = receiver.requests[0]
    headers = {name.lower(): value for name, value in headers.items()}
    message = json.loads(http_ece.decrypt(body, private_key=browser, auth_secret=secret, version="aes128gcm"))
    assert message["notification"]["title"].startswith("BTC-USD crossed")
    assert headers["urgency"] == "high" and int(headers["ttl"]) > 0
    assert Vapid02.verify(headers["authorization"])

    assert call(service, "DELETE", f"/v1/devices/{device['id']}", token)[0] == 200
    assert call(service, "DELETE", f"/v1/devices/{device['id']}", token)[0] == 404
    assert call(service, "GET", "/v1/devices", "tw_nonsense")[0] == 401
    for bad in ({}, {"webPush": {"endpoint": "x", "keys": {}}}, {"fcm": {"token": "a b"}}, [1]):
        assert call(service, "POST", "/v1/devices", token, bad)[0] in (400, 422), bad


def call(service, method, path, token, body=None):
    request = urllib.request.Request(
        f"http://127.0.0.1:{service.port}{path}", method=method, data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())
