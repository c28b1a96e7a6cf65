"""The Beams-compatible server: the Python server SDK unmodified, and the calls that the web and mobile SDKs make."""
import base64
import json
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pusher_push_notifications import PushNotifications, PusherAuthError, PusherMissingInstanceError, PusherValidationError

from conftest import rows, wait_until
from test_transport import make_certificate

INSTANCE = "8f9a6e22-2483-49aa-8552-125f1a4c5781"
SECRET = "C54D42FB7CD2D408DDB22D7A0166F1DC"


class Browser:
    """What a browser's subscription holds, and the calls of the web SDK."""

    def __init__(self, service, name="abc"):
        self.service = service
        self.key = ec.generate_private_key(ec.SECP256R1())
        point = self.key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        encode = lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("=")
        self.auth = os.urandom(16)
        self.subscription = {"endpoint": f"https://fcm.googleapis.com/fcm/send/{name}", "expirationTime": None,
                             "keys": {"p256dh": encode(point), "auth": encode(self.auth)}}

    def call(self, method, path, body=None, **headers):
        request = urllib.request.Request(
            f"{self.service.base}/device_api/v1/instances/{INSTANCE}{path}", method=method,
            data=None if body is None else json.dumps(body).encode(), headers={"Content-Type": "application/json", **headers})
        try:
            with urllib.request.urlopen(request, timeout=10, context=self.service.trust) as answer:
                self.headers = answer.headers
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            self.headers = error.headers
            return error.code, json.loads(error.read())

    def register(self):
        token = base64.b64encode(json.dumps(self.subscription).encode()).decode()
        status, answer = self.call("POST", "/devices/web", {"token": token, "metadata": {"sdkVersion": "2.1.0"}})
        assert status == 200, answer
        self.id = answer["id"]
        return self

    def device(self, method, path="", body=None, **headers):
        return self.call(method, f"/devices/web/{self.id}{path}", body, **headers)

    def interests(self):
        return self.device("GET", "/interests?limit=100")[1]["interests"]


@pytest.fixture
def server(start, database, tmp_path):
    make_certificate(tmp_path, "beams")
    service = start(
        "gateway", DATABASE_URL=database, TICKWIRE_BEAMS_INSTANCE=INSTANCE, TICKWIRE_BEAMS_SECRET_KEY=SECRET,
        TICKWIRE_TLS_CERTIFICATE=tmp_path / "cert.pem", TICKWIRE_TLS_KEY=tmp_path / "key.pem", wait=False)
    service.trust = ssl.create_default_context(cafile=tmp_path / "cert.pem")
    service.base = f"https://127.0.0.1:{service.port}"
    service.sdk = PushNotifications(INSTANCE, SECRET, endpoint=f"127.0.0.1:{service.port}")
    service.sdk.session.verify = str(tmp_path / "cert.pem")

    def ready():
        try:
            return urllib.request.urlopen(f"{service.base}/readyz", timeout=5, context=service.trust).status == 200
        except OSError:
            return False

    wait_until(ready, 60, "readiness")
    return service


def deliveries(database):
    return rows(database, "SELECT event_key, device_id, payload FROM deliveries ORDER BY id")


def test_a_publication_reaches_each_subscribed_device_once(server, database):
    first, second, third = (Browser(server, name).register() for name in ("one", "two", "three"))
    assert first.device("PUT", "/interests", {"interests": ["price;BTC-USD", "news"]})[0] == 200
    assert second.device("POST", "/interests/price%3BBTC-USD")[0] == 200
    assert third.device("POST", "/interests/other")[0] == 200
    answer = server.sdk.publish_to_interests(
        interests=["price;BTC-USD", "news"],
        publish_body={"web": {"notification": {"title": "BTC-USD", "body": "70000"}, "time_to_live": 60}})
    found = deliveries(database)
    assert {entry[0] for entry in found} == {answer["publishId"]} and len({entry[1] for entry in found}) == len(found) == 2
    message = json.loads(json.loads(found[0][2])["finishedPayload"])
    assert message["notification"] == {"title": "BTC-USD", "body": "70000"}
    assert message["data"]["pusher"] == {
        "instanceId": INSTANCE, "publishId": answer["publishId"], "hasDisplayableContent": True, "hasData": False}


def test_interests_are_listed_replaced_and_left(server):
    browser = Browser(server).register()
    assert browser.interests() == []
    names = [f"i{number:03}" for number in range(250)]
    assert browser.device("PUT", "/interests", {"interests": names})[0] == 200
    listed, cursor = [], ""
    while cursor is not None:
        status, page = browser.device("GET", f"/interests?limit=100&cursor={cursor}")
        assert status == 200
        listed += page["interests"]
        cursor = page["responseMetadata"].get("cursor")
    assert listed == names
    assert browser.device("PUT", "/interests", {"interests": ["a", "b"]})[0] == 200
    assert browser.device("DELETE", "/interests/a")[0] == 200
    assert browser.device("DELETE", "/interests/a")[0] == 200
    assert browser.interests() == ["b"]


def test_a_user_is_bound_by_token_and_reached_by_name(server, database):
    mine, other = Browser(server, "mine").register(), Browser(server, "other").register()
    token = server.sdk.generate_token("ann")["token"]
    assert mine.device("PUT", "/user", {}, Authorization=f"Bearer {token}")[0] == 200
    assert mine.device("PUT", "/user", {}, Authorization=f"Bearer {token}")[0] == 200
    assert mine.device("GET")[1]["userId"] == "ann"
    status, answer = mine.device("PUT", "/user", {}, Authorization=f"Bearer {server.sdk.generate_token('bob')['token']}")
    assert status == 400 and "another user" in answer["description"]
    forged = PushNotifications(INSTANCE, "another secret key of the same length").generate_token("ann")["token"]
    assert other.device("PUT", "/user", {}, Authorization=f"Bearer {forged}")[0] == 401
    assert other.device("PUT", "/user", {})[0] == 400

    publish_id = server.sdk.publish_to_users(user_ids=["ann", "nobody"], publish_body={"web": {"data": {"n": 1}}})["publishId"]
    assert [entry[0] for entry in deliveries(database)] == [publish_id]
    # Alerts of the same user go to this device too.
    assert rows(database, "SELECT user_id FROM devices WHERE user_id = 'ann'") == [("ann",)]

    server.sdk.delete_user("ann")
    assert mine.device("GET")[0] == 404
    assert other.device("GET")[0] == 200


def test_private_interests_take_a_token_that_names_them(server):
    browser = Browser(server).register()
    status, answer = browser.device("POST", "/interests/private-ann")
    assert status == 403 and "private" in answer["description"]
    assert browser.device("POST", "/interests/private-ann", None, Authorization=f"Bearer {SECRET}")[0] == 200
    assert browser.interests() == ["private-ann"]
    # What it has already may stay when the SDK sends the whole set again.
    assert browser.device("PUT", "/interests", {"interests": ["private-ann", "open"]})[0] == 200
    assert browser.device("PUT", "/interests", {"interests": ["private-bob"]})[0] == 403
    assert browser.interests() == ["open", "private-ann"]


def test_a_device_that_registers_again_keeps_its_interests(server):
    browser = Browser(server).register()
    old = browser.id
    browser.device("PUT", "/interests", {"interests": ["kept"]})
    browser.register()
    assert browser.id != old and browser.interests() == ["kept"]
    browser.id, new = old, browser.id
    assert browser.device("GET")[0] == 404
    browser.id = new
    assert browser.device("DELETE")[0] == 200
    assert browser.device("DELETE")[0] == 200
    assert browser.device("GET")[0] == 404


def test_reports_count_once(server, database):
    browser = Browser(server).register()
    browser.device("POST", "/interests/hello")
    publish_id = server.sdk.publish_to_interests(["hello"], {"web": {"notification": {"title": "T"}}})["publishId"]
    for event in ("delivery", "Delivery", "open"):
        request = urllib.request.Request(
            f"{server.base}/reporting_api/v2/instances/{INSTANCE}/events", method="POST",
            data=json.dumps({"event": event, "publishId": publish_id, "deviceId": browser.id, "timestampSecs": 1}).encode())
        assert urllib.request.urlopen(request, timeout=5, context=server.trust).status == 200
    assert rows(database, "SELECT event FROM beams_reports ORDER BY event") == [("delivery",), ("open",)]


def test_pages_of_other_origins_may_call(server):
    browser = Browser(server)
    request = urllib.request.Request(
        f"{server.base}/device_api/v1/instances/{INSTANCE}/devices/web", method="OPTIONS",
        headers={"Origin": "https://shop.example", "Access-Control-Request-Method": "PUT",
                 "Access-Control-Request-Headers": "authorization,content-type"})
    with urllib.request.urlopen(request, timeout=5, context=server.trust) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
        assert answer.headers["Access-Control-Allow-Headers"] == "authorization,content-type"
    browser.register()
    assert browser.headers["Access-Control-Allow-Origin"] == "*"


def test_what_the_sdk_refuses_to_understand_never_comes(server):
    with pytest.raises(PusherAuthError):
        sdk = PushNotifications(INSTANCE, "wrong" * 7, endpoint=f"127.0.0.1:{server.port}")
        sdk.session.verify = server.sdk.session.verify
        sdk.publish_to_interests(["a"], {"web": {"data": {}}})
    with pytest.raises(PusherMissingInstanceError):
        sdk = PushNotifications("another-instance", SECRET, endpoint=f"127.0.0.1:{server.port}")
        sdk.session.verify = server.sdk.session.verify
        sdk.publish_to_interests(["a"], {"web": {"data": {}}})
    with pytest.raises(PusherValidationError, match="There is no payload"):
        server.sdk.publish_to_interests(["a"], {})
    with pytest.raises(PusherValidationError, match="10240"):
        server.sdk.publish_to_interests(["a"], {"web": {"data": {"x": "x" * 11_000}}})
    browser = Browser(server)
    for body, status, error in (({"token": "nonsense"}, 400, "InvalidToken"), ({}, 400, "InvalidToken"), ([1], 400, "Bad request")):
        got, answer = browser.call("POST", "/devices/web", body)
        assert (got, answer["error"]) == (status, error) and answer["description"]
    browser.subscription["endpoint"] = "https://169.254.169.254/latest"
    token = base64.b64encode(json.dumps(browser.subscription).encode()).decode()
    status, answer = browser.call("POST", "/devices/web", {"token": token})
    assert status == 400 and answer["error"] == "InvalidToken"
