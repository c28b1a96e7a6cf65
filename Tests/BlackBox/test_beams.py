"""The Beams-compatible server: the Python server SDK unmodified, and the calls that the web and mobile SDKs make."""
import base64
import concurrent.futures
import http.client
import json
import os
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pusher_push_notifications import PushNotifications, PusherAuthError, PusherMissingInstanceError, PusherValidationError

from conftest import APP, Service, environment, free_port, rows, tickwire, wait_until
from test_transport import make_certificate

INSTANCE = "8f9a6e22-2483-49aa-8552-125f1a4c5781"
SECRET = "C54D42FB7CD2D408DDB22D7A0166F1DC"


class Browser:
    """What a browser's subscription holds, and the calls of the web SDK."""

    def __init__(self, service, name="abc", endpoint=None):
        self.service = service
        self.key = ec.generate_private_key(ec.SECP256R1())
        point = self.key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        encode = lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("=")
        self.auth = os.urandom(16)
        self.subscription = {"endpoint": endpoint or f"https://fcm.googleapis.com/fcm/send/{name}", "expirationTime": None,
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

    def post(self, **headers):
        token = base64.b64encode(json.dumps(self.subscription).encode()).decode()
        return self.call("POST", "/devices/web", {"token": token, "metadata": {"sdkVersion": "2.1.0"}}, **headers)

    def register(self, **headers):
        status, answer = self.post(**headers)
        assert status == 200, answer
        self.id = answer["id"]
        return self

    def device(self, method, path="", body=None, **headers):
        return self.call(method, f"/devices/web/{self.id}{path}", body, **headers)

    def interests(self):
        return self.device("GET", "/interests?limit=100")[1]["interests"]


def prepared(service, folder):
    """A gateway with TLS, as browsers and the SDK want it, that is ready."""
    service.trust = ssl.create_default_context(cafile=folder / "cert.pem")
    service.base = f"https://127.0.0.1:{service.port}"
    service.sdk = PushNotifications(INSTANCE, SECRET, endpoint=f"127.0.0.1:{service.port}")
    service.sdk.session.verify = str(folder / "cert.pem")

    def ready():
        try:
            return urllib.request.urlopen(f"{service.base}/readyz", timeout=5, context=service.trust).status == 200
        except OSError:
            return False

    wait_until(ready, 60, "readiness")
    return service


def settings(database, folder):
    make_certificate(folder, "beams")
    return {"DATABASE_URL": database, "TICKWIRE_BEAMS_INSTANCE": INSTANCE, "TICKWIRE_BEAMS_SECRET_KEY": SECRET,
            "TICKWIRE_TLS_CERTIFICATE": folder / "cert.pem", "TICKWIRE_TLS_KEY": folder / "key.pem"}


@pytest.fixture
def server(start, database, tmp_path):
    return prepared(start("gateway", **settings(database, tmp_path), wait=False), tmp_path)


@pytest.fixture(scope="module")
def module_server(module_database, tmp_path_factory):
    """One gateway for the tests that do not look at the tables."""
    folder = tmp_path_factory.mktemp("beams")
    port = free_port()
    env = environment(TICKWIRE_DATA_DIR=folder / "data", **APP, **settings(module_database, folder))
    service = Service(["gateway", "--port", port], env, port, folder / "gateway.log")
    yield prepared(service, folder)
    service.stop()


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


def send(server, method, path, body=b"", **headers):
    """Any request, with the answer's error members checked: SDKs fail on an error without both."""
    request = urllib.request.Request(server.base + path, method=method, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10, context=server.trust) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        answer = json.loads(error.read())
        assert set(answer) == {"error", "description"} and all(isinstance(text, str) and text for text in answer.values()), answer
        return error.code, answer


def publish(server, to, body, **headers):
    headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json", **headers}
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return send(server, "POST", f"/publish_api/v1/instances/{INSTANCE}/publishes{to}", body, **headers)[0]


WEB = {"web": {"notification": {"title": "T"}}}


@pytest.mark.parametrize("to, body, status", [
    ("/interests", {"interests": ["x" * 164], **WEB}, 200), ("/interests", {"interests": ["x" * 165], **WEB}, 422),
    ("/interests", {"interests": ["aZ09_-=@,.;"], **WEB}, 200), ("/interests", {"interests": ["a:b"], **WEB}, 422),
    ("/interests", {"interests": ["a/b"], **WEB}, 422), ("/interests", {"interests": [""], **WEB}, 422),
    ("/interests", {"interests": [], **WEB}, 422), ("/interests", {"interests": [f"i{n}" for n in range(100)], **WEB}, 200),
    ("/interests", {"interests": [f"i{n}" for n in range(101)], **WEB}, 422),
    ("/interests", {"interests": ["a"], "users": ["b"], **WEB}, 422), ("/interests", {"interests": ["a"]}, 422),
    ("/interests", {"interests": "a", **WEB}, 422), ("/interests", {"interests": ["a"], "web": {"data": {"pusher": 1}}}, 422),
    ("/interests", {"interests": ["a"], "web": {"time_to_live": 2_419_201, "data": {}}}, 422),
    ("/interests", {"interests": ["a"], "webhookUrl": "https://ann:pw@example.com/", **WEB}, 422),
    ("", {"interests": ["the-old-alias"], **WEB}, 200), ("/users", {"users": ["x" * 164], **WEB}, 200),
    ("/users", {"users": ["x" * 165], **WEB}, 422), ("/users", {"users": ["ü" * 82], **WEB}, 200),
    ("/users", {"users": ["ü" * 83], **WEB}, 422), ("/users", {"users": [f"u{n}" for n in range(1000)], **WEB}, 200),
    ("/users", {"users": [f"u{n}" for n in range(1001)], **WEB}, 422), ("/users", {"users": ["a"], "interests": ["b"], **WEB}, 422),
    ("/interests", b"{", 400), ("/users", b"[1]", 422),
])
def test_limits_of_publications(module_server, to, body, status):
    assert publish(module_server, to, body) == status


def test_limits_of_bodies_and_headers(module_server):
    for to, name, limit in (("/interests", "interests", 10 * 1024), ("/users", "users", 200 * 1024)):
        empty = json.dumps({name: ["a"], "web": {"data": {"x": ""}}}).encode()
        full = empty.replace(b'"x": ""', b'"x": "' + b"y" * (limit - len(empty)) + b'"')
        assert len(full) == limit
        assert publish(module_server, to, full) == 200
        assert publish(module_server, to, full.replace(b"yy", b"yyy", 1)) == 400
    body = {"interests": ["a"], **WEB}
    assert publish(module_server, "/interests", body, **{"Content-Type": "text/plain"}) == 400
    assert publish(module_server, "/interests", body, Authorization="Basic x") == 400
    assert publish(module_server, "/interests", body, Authorization="Bearer x") == 401


def test_every_error_has_both_members(module_server):
    base = f"/device_api/v1/instances/{INSTANCE}"
    for method, path, status in [
        ("GET", f"{base}/nonsense", 404), ("GET", "/device_api/v1/instances/other/devices/web/x", 404), ("GET", "/device_api/v1/x", 404),
        ("DELETE", f"{base}/devices/web", 405), ("GET", f"{base}/devices/web/unknown", 404), ("GET", f"{base}/devices/tv/x", 404),
        ("PUT", f"{base}/devices/web/unknown/interests", 400), ("POST", f"{base}/devices/web/unknown/interests/a", 404),
        ("POST", f"{base}/devices/web/unknown/interests/{'x' * 165}", 422), ("PUT", f"{base}/devices/web/unknown/user", 400),
        ("GET", f"{base}/devices/web/unknown/interests?limit=x", 400), ("POST", f"{base}/devices/web", 400),
        ("POST", f"/reporting_api/v2/instances/{INSTANCE}/events", 400), ("DELETE", f"/customer_api/v1/instances/{INSTANCE}/users/a", 400),
        ("DELETE", f"/user_api/v1/instances/{INSTANCE}/users/a", 400), ("GET", f"{base}/web-vapid-public-key", 404),
        ("POST", f"/publish_api/v1/instances/{INSTANCE}/publishes/nobody", 404), ("POST", f"/publish_api/v1/instances/{INSTANCE}/publishes", 400),
    ]:
        assert send(module_server, method, path)[0] == status, (method, path)


def test_a_device_has_five_thousand_interests(module_server):
    browser = Browser(module_server, "many").register()
    assert browser.device("PUT", "/interests", {"interests": [f"i{n}" for n in range(5001)]})[0] == 422
    assert browser.device("PUT", "/interests", {"interests": [f"i{n}" for n in range(5000)]})[0] == 200
    assert browser.device("POST", "/interests/i7")[0] == 200
    status, answer = browser.device("POST", "/interests/one-more")
    assert status == 422 and "5000" in answer["description"]
    assert browser.device("DELETE", "/interests/i7")[0] == 200
    assert browser.device("POST", "/interests/one-more")[0] == 200


def test_a_user_has_a_hundred_devices_of_a_platform_and_an_address_registers_a_hundred_at_once(module_server):
    token = f"Bearer {module_server.sdk.generate_token('collector')['token']}"
    # The proxy on this machine is believed when it says who asked it.
    proxied = {"X-Forwarded-For": "203.0.113.7"}
    browsers = [Browser(module_server, f"c{number}").register(**proxied) for number in range(100)]
    status, answer = Browser(module_server, "one-too-many").post(**proxied)
    while status == 200:  # A slow machine gave back a second's worth.
        status, answer = Browser(module_server, f"c{time.monotonic()}").post(**proxied)
    assert (status, answer["error"]) == (429, "Too Many Requests") and "your address" in answer["description"]
    last = Browser(module_server, "last").register(**{"X-Forwarded-For": "203.0.113.8"})
    for browser in browsers:
        assert browser.device("PUT", "/user", {}, Authorization=token)[0] == 200
    status, answer = last.device("PUT", "/user", {}, Authorization=token)
    assert status == 422 and "100 devices" in answer["description"]
    status, phone = last.call("POST", "/devices/fcm", {"token": "collector-phone"}, **{"X-Forwarded-For": "203.0.113.8"})
    assert last.call("PUT", f"/devices/fcm/{phone['id']}/user", {}, Authorization=token)[0] == 200


def test_more_than_a_hundred_publications_a_second_are_held_back(module_server):
    def run(_):
        found = []
        connection = http.client.HTTPSConnection("127.0.0.1", module_server.port, context=module_server.trust, timeout=10)
        for _ in range(150):
            # Counted before the body is looked at.
            connection.request("POST", f"/publish_api/v1/instances/{INSTANCE}/publishes/users", None, {"Authorization": f"Bearer {SECRET}"})
            with connection.getresponse() as answer:
                found.append((answer.status, answer.headers["Retry-After"], json.loads(answer.read())))
        return found
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = [answer for answers in pool.map(run, range(4)) for answer in answers]
    seconds = time.monotonic() - began
    allowed = sum(status != 429 for status, _, _ in answers)
    assert allowed <= 200 + 100 * (seconds + 1)
    held = [answer for answer in answers if answer[0] == 429]
    if seconds < 3:  # A slower machine does not reach the limit.
        assert held
    assert all(retry == "1" and body["error"] and "100" in body["description"] for _, retry, body in held)


def test_phones_register_move_and_stop(module_server):
    phone = Browser(module_server)
    assert phone.call("POST", "/devices/apns", {"token": "xyz", "bundleIdentifier": "com.example"})[1]["error"] == "InvalidToken"
    status, apple = phone.call("POST", "/devices/apns", {"token": "00ff" * 16, "bundleIdentifier": "com.example.prices", "metadata": {"sdkVersion": "3.1.3", "iosVersion": "17"}})
    assert status == 200 and apple["id"].startswith("apns-") and apple["initialInterestSet"] == []
    assert phone.call("PUT", f"/devices/apns/{apple['id']}/metadata", {"sdkVersion": "3.2.0"})[0] == 200
    assert phone.call("GET", f"/devices/apns/{apple['id']}")[1] == {"id": apple["id"], "userId": None, "metadata": {"sdkVersion": "3.2.0"}}

    first = phone.call("POST", "/devices/fcm", {"token": "first", "metadata": {}})[1]
    assert phone.call("PUT", f"/devices/fcm/{first['id']}/interests", {"interests": ["a", "b"]})[0] == 200
    assert phone.call("PUT", f"/devices/fcm/{first['id']}/token", {"token": "second"})[0] == 200
    assert phone.call("PUT", f"/devices/fcm/{first['id']}/token", {"token": "with space"})[1]["error"] == "InvalidToken"
    second = phone.call("POST", "/devices/fcm", {"token": "third", "knownPreviousClientIds": [first["id"]], "metadata": {}})[1]
    assert second["initialInterestSet"] == ["a", "b"]
    # What is gone is answered 404, at which a phone registers anew; stopping is fine all the same.
    assert phone.call("POST", f"/devices/fcm/{first['id']}/interests/c")[0] == 404
    assert [phone.call("DELETE", f"/devices/fcm/{second['id']}")[0] for _ in range(2)] == [200, 200]


def test_tokens_of_users_are_checked(module_server):
    browser = Browser(module_server, "tokens").register()
    claims = {"sub": "ann", "iss": f"https://{INSTANCE}.pushnotifications.pusher.com", "exp": int(time.time()) + 60}
    for change in ({"iss": "https://other.example"}, {"exp": int(time.time()) - 120}, {"sub": ""}, {"sub": "x" * 165}):
        token = jwt.encode({**claims, **change}, SECRET, "HS256")
        status, answer = browser.device("PUT", "/user", {}, Authorization=f"Bearer {token}")
        assert status == 401 and answer["error"] and answer["description"], change
    for other in (jwt.encode(claims, "another secret key of the same length", "HS256"), jwt.encode(claims, None, "none"), jwt.encode(claims, SECRET, "HS512")):
        assert browser.device("PUT", "/user", {}, Authorization=f"Bearer {other}")[0] == 401
    assert browser.device("PUT", "/user", {}, Authorization=f"Bearer {jwt.encode(claims, SECRET, 'HS256')}")[0] == 200


def test_the_holder_of_an_api_token_signs_in_as_itself_only(module_server):
    env = module_server.env
    for user in ("tessa", "otto"):
        tickwire("users", "create", user, env=env, check=True)
    token = json.loads(tickwire("tokens", "create", "tessa", "--scope", "alerts", "--json", env=env, check=True).stdout)["token"]
    narrow = json.loads(tickwire("tokens", "create", "tessa", "--scope", "channels:presence-*", "--json", env=env, check=True).stdout)["token"]

    def ask(query, method="GET", **headers):
        request = urllib.request.Request(
            f"{module_server.base}/pusher/beams-auth{query}", method=method, headers={"Origin": "https://shop.example", **headers})
        try:
            with urllib.request.urlopen(request, timeout=5, context=module_server.trust) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    status, headers, body = ask("?user_id=tessa", Authorization=f"Bearer {token}")
    assert status == 200 and headers["Access-Control-Allow-Origin"] in ("*", "https://shop.example")
    browser = Browser(module_server, "tessa").register()
    assert browser.device("PUT", "/user", {}, Authorization=f"Bearer {json.loads(body)['token']}")[0] == 200
    assert browser.device("GET")[1]["userId"] == "tessa"
    assert ask("?user_id=otto", Authorization=f"Bearer {token}")[0] == 403
    assert ask("", Authorization=f"Bearer {token}")[0] == 403
    assert ask("?user_id=tessa", Authorization=f"Bearer {narrow}")[0] == 403
    assert ask("?user_id=tessa", Authorization="Bearer tw_nonsense")[0] == 401
    assert ask("?user_id=tessa")[0] == 401
    status, headers, _ = ask("", "OPTIONS", **{"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"})
    assert status in (200, 204) and "GET" in headers["Access-Control-Allow-Methods"]
