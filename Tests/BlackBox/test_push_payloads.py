"""Push requests, judged from outside: Google's discovery document, http-ece, py-vapid, standardwebhooks, cryptography."""
import base64
import hashlib
import hmac
import json
import pathlib
import random
import subprocess
import time
import urllib.parse

import googleapiclient
import http_ece
import jsonschema
import pytest
import standardwebhooks
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from py_vapid import Vapid02

from conftest import PROGRAM

BUILDER = pathlib.Path(PROGRAM).parent / "push-builder"
ENDPOINT = "https://fcm.googleapis.com/fcm/send/abc"
WILD = ["\0", "\n", "\t", '"', "\\", "é", "👩‍👩‍👧‍👦", "\u202e", "\u2067", "שלום", "日本語", "<b>", "&", "@everyone", "\ufeff", "𝕏", "Z\u0300\u0301", "a "]


class Builder:
    """The program that builds requests, asked line by line."""

    def __init__(self):
        self.process = subprocess.Popen([BUILDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, make, **order):
        self.process.stdin.write(json.dumps({"make": make, **order}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "body" in answer:
            answer["body"] = base64.b64decode(answer["body"])
        return answer


@pytest.fixture(scope="module")
def build():
    if not BUILDER.exists():
        pytest.skip(f"{BUILDER} is not built")
    builder = Builder()
    yield builder
    builder.process.stdin.close()
    builder.process.wait(10)


def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def urlsafe(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def token_parts(token):
    header, claims, signature = token.split(".")
    return json.loads(unpadded(header)), json.loads(unpadded(claims)), f"{header}.{claims}".encode(), unpadded(signature)


def content(**changes):
    base = {
        "title": "BTC-USD crossed above 70000", "body": "70000.50 on coinbase", "subtitle": "Coinbase", "symbol": "BTC-USD",
        "link": "https://example.com/?symbol=BTC-USD", "imageURL": "https://example.com/a.png", "badge": 2,
        "data": [["symbol", "BTC-USD"], ["venue", "coinbase"]], "sparkline": [0, 50, 100],
        "actions": [["snooze", "Snooze", "https://example.com/snooze"], ["rearm", "Re-arm"]],
    }
    return {**base, **changes}


def contents():
    """Ordinary contents and wild ones, always the same."""
    yield content()
    yield content(isSilent=True)
    yield content(titleKey="TITLE", bodyKey="BODY", priority="urgent")
    yield content(priority="passive", link=None, imageURL=None, actions=[], sparkline=[], validSeconds=0)
    yield content(body="x" * 10_000, validSeconds=99_999_999)
    dice = random.Random(7)
    for number in range(60):
        def text():
            return "".join(dice.choice(WILD) for _ in range(dice.choice([0, 3, 50, 1500])))
        yield content(
            title=text(), body=text(), subtitle=text(), eventID=text(), collapseID=text(), threadID=text(), link=text(),
            sound=text(), data=[["k", text()]], priority=dice.choice(["passive", "active", "urgent"]), isSilent=number % 7 == 0,
        )


def discovery_schema():
    """Google's description of the API as JSON Schema in which nothing unknown is allowed."""
    folder = pathlib.Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
    schemas = json.loads((folder / "fcm.v1.json").read_text())["schemas"]

    def convert(node):
        if "$ref" in node:
            return {"$ref": f"#/definitions/{node['$ref']}"}
        kind = node.get("type", "any")
        if kind == "any":
            return {}
        result = {"type": kind}
        if "enum" in node:
            result["enum"] = node["enum"]
        if kind == "array":
            result["items"] = convert(node["items"])
        if kind == "object":
            result["properties"] = {name: convert(child) for name, child in node.get("properties", {}).items()}
            extra = node.get("additionalProperties")
            result["additionalProperties"] = convert(extra) if extra else False
        return result

    definitions = {name: convert(node) for name, node in schemas.items()}
    return {"$ref": "#/definitions/SendMessageRequest", "definitions": definitions}


@pytest.fixture(scope="module")
def fcm_schema():
    return jsonschema.Draft7Validator(discovery_schema())


@pytest.mark.parametrize("kind", ["token", "fid"])
def test_fcm_messages_are_what_googles_discovery_document_describes(build, fcm_schema, kind):
    for given in contents():
        answer = build("fcm", content=given, token="c" * 163, kind=kind)
        assert "error" not in answer, answer
        assert len(answer["body"]) <= 4096
        body = json.loads(answer["body"])
        fcm_schema.validate(body)
        message = body["message"]
        assert message[kind] == "c" * 163 and len({"token", "fid", "topic", "condition"} & message.keys()) == 1
        assert "collapseKey" not in message["android"]
        assert 0 <= int(message["android"]["ttl"].removesuffix("s")) <= 2_419_200
        assert not any(name in ("from", "message_type") or name.startswith(("google", "gcm")) for name in message["data"])


def test_the_fcm_schema_refuses_what_fcm_refuses(build, fcm_schema):
    body = json.loads(build("fcm", content=content(), token="t")["body"])
    for spoil in (
        lambda m: m["data"].update(number=1), lambda m: m.update(colapse="x"), lambda m: m["android"].update(priority="LOUD"),
        lambda m: m["android"]["notification"].update(tags="x"),
    ):
        spoiled = json.loads(json.dumps(body))
        spoil(spoiled["message"])
        with pytest.raises(jsonschema.ValidationError):
            fcm_schema.validate(spoiled)


def test_fcm_refuses_reserved_names(build):
    for name in ("from", "message_type", "google.sent", "gcm.notification.title"):
        answer = build("fcm", content=content(data=[[name, "1"]]), token="t")
        assert name in answer["error"] and "FCM" in answer["error"]


def test_the_oauth_assertion_verifies_with_the_accounts_public_key(build):
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    account = {
        "type": "service_account", "project_id": "prices-1", "private_key_id": "k1", "private_key": pem.decode(),
        "client_email": "push@prices-1.iam.gserviceaccount.com", "token_uri": "https://oauth2.googleapis.com/token",
    }
    now = int(time.time())
    answer = build("fcm-token", account=json.dumps(account), now=now)
    assert answer["url"] == account["token_uri"]
    form = urllib.parse.parse_qs(answer["body"].decode(), strict_parsing=True)
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    header, claims, signed, signature = token_parts(form["assertion"][0])
    key.public_key().verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    assert header["alg"] == "RS256" and header["kid"] == "k1"
    assert claims == {
        "iss": account["client_email"], "aud": account["token_uri"], "iat": now, "exp": now + 3600,
        "scope": "https://www.googleapis.com/auth/firebase.messaging",
    }


def test_google_auth_takes_the_assertion(build):
    from google.auth import jwt

    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    account = {
        "type": "service_account", "project_id": "p", "private_key_id": "k1", "private_key": pem.decode(),
        "client_email": "a@b.c", "token_uri": "https://oauth2.googleapis.com/token",
    }
    answer = build("fcm-token", account=json.dumps(account), now=int(time.time()))
    assertion = urllib.parse.parse_qs(answer["body"].decode())["assertion"][0]
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert jwt.decode(assertion, certs={"k1": public}, audience=account["token_uri"])["iss"] == "a@b.c"


class Browser:
    """A push subscription with its private key."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.secret = random.randbytes(16)
        point = self.key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        self.keys = {"endpoint": ENDPOINT, "p256dh": urlsafe(point), "auth": urlsafe(self.secret)}

    def open(self, body):
        return http_ece.decrypt(body, private_key=self.key, auth_secret=self.secret, version="aes128gcm")


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 2047, 2048, 2049, 3072, 3073, 3992, 3993])
def test_a_browser_opens_messages_of_every_size(build, size, padded):
    browser = Browser()
    plain = random.Random(size).randbytes(size)
    body = build("seal", plaintext=base64.b64encode(plain).decode(), padding=padded, **browser.keys)["body"]
    assert browser.open(body) == plain
    assert len(body) <= 4096
    if padded:
        assert len(body) - 103 in (256, 512, 1024, 2048, 3072, 3993)
    else:
        assert len(body) == size + 103


def test_a_message_that_no_push_service_takes_is_refused(build):
    answer = build("seal", plaintext=base64.b64encode(bytes(3994)).decode(), **Browser().keys)
    assert "3994" in answer["error"] and "3993" in answer["error"]


def test_a_hundred_browsers_open_what_is_said_to_them(build):
    browser = Browser()
    schema = jsonschema.Draft7Validator({
        "type": "object", "required": ["notification", "mutable"],
        "properties": {
            "web_push": {"const": 8030}, "mutable": {"const": True}, "app_badge": {"type": "integer", "minimum": 0},
            "notification": {
                "type": "object", "required": ["title", "body", "tag", "data"],
                "properties": {"navigate": {"type": "string", "pattern": "^https?://"}, "dir": {"enum": ["auto", "ltr", "rtl"]}},
            },
        },
    })
    for given in contents():
        answer = build("webpush", content=given, **browser.keys)
        assert "error" not in answer, answer
        document = json.loads(browser.open(answer["body"]))
        schema.validate(document)
        headers = answer["headers"]
        assert headers["content-encoding"] == "aes128gcm" and len(headers["topic"]) == 32
        assert headers["urgency"] in ("low", "normal", "high") and 0 <= int(headers["ttl"]) <= 2_419_200
        is_declarative = "web_push" in document
        assert is_declarative == (headers["content-type"] == "application/notification+json")
        if is_declarative:
            assert document["notification"]["navigate"]


@pytest.mark.parametrize("endpoint, audience", [
    (ENDPOINT, "https://fcm.googleapis.com"), ("https://web.push.apple.com:443/QA", "https://web.push.apple.com"),
    ("https://up.example.org:8443/UP?x=1", "https://up.example.org:8443"),
])
def test_vapid_verifies_with_py_vapid_and_names_the_origin(build, endpoint, audience):
    now = int(time.time())
    answer = build("vapid", endpoint=endpoint, subject="mailto:ops@example.com", now=now)
    assert Vapid02.verify(answer["authorization"])
    header, claims, _, signature = token_parts(answer["authorization"].split("t=")[1].split(",")[0])
    assert header["alg"] == "ES256" and len(signature) == 64
    assert claims == {"aud": audience, "exp": now + 12 * 3600, "sub": "mailto:ops@example.com"}


def test_a_vapid_key_of_py_vapid_signs_here(build):
    vapid = Vapid02()
    vapid.generate_keys()
    public = vapid.public_key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    raw = urlsafe(vapid.private_key.private_numbers().private_value.to_bytes(32, "big"))
    for key in (vapid.private_pem().decode(), raw):
        answer = build("vapid", endpoint=ENDPOINT, subject="https://example.com/contact", key=key)
        assert answer["publicKey"] == urlsafe(public)
        assert Vapid02.verify(answer["authorization"])


@pytest.mark.parametrize("subject", ["", "ops@example.com", "mailto: ops@example.com", "mailto:ops@localhost", "http://example.com"])
def test_a_subject_that_apple_refuses_is_refused(build, subject):
    answer = build("vapid", endpoint=ENDPOINT, subject=subject)
    assert "subject" in answer["error"] and "mailto:" in answer["error"]


@pytest.mark.parametrize("endpoint", [
    "http://fcm.googleapis.com/a", "https://127.0.0.1/a", "https://169.254.169.254/latest/meta-data", "https://fcm.googleapis.com@evil.example/",
    "https://evil.example/?fcm.googleapis.com", "file:///etc/passwd", "https://googleapis.com.evil.example/",
])
def test_an_endpoint_that_is_no_push_service_is_refused(build, endpoint):
    keys = {**Browser().keys, "endpoint": endpoint}
    assert "endpoint" in build("webpush", content=content(), **keys)["error"]


def test_a_key_off_the_curve_is_refused(build):
    keys = {**Browser().keys, "p256dh": urlsafe(b"\4" + bytes(64))}
    assert "P-256" in build("webpush", content=content(), **keys)["error"]


def test_the_apns_token_verifies(build):
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    token = build("apns-token", key=pem.decode(), keyID="ABC1234567", team="TEAM123456", now=1_795_435_200)["token"]
    header, claims, signed, signature = token_parts(token)
    assert header["kid"] == "ABC1234567" and claims == {"iss": "TEAM123456", "iat": 1_795_435_200}
    numbers = [int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")]
    key.public_key().verify(encode_dss_signature(*numbers), signed, ec.ECDSA(hashes.SHA256()))


def test_apns_requests_follow_apples_rules(build):
    for given in contents():
        answer = build("apns", content=given, token="ab" * 32)
        assert "error" not in answer, answer
        assert len(answer["body"]) <= 4096
        payload, headers = json.loads(answer["body"]), answer["headers"]
        assert len(headers.get("apns-collapse-id", "").encode()) <= 64
        if given.get("isSilent"):
            assert (headers["apns-push-type"], headers["apns-priority"]) == ("background", "5")
            assert payload["aps"] == {"content-available": 1}
        else:
            assert headers["apns-push-type"] == "alert" and headers["apns-priority"] in ("5", "10")
            assert payload["aps"]["alert"].keys() >= {"title", "body"}
        assert all(value.isascii() and value.isprintable() for value in headers.values())


def test_beams_bodies_and_tokens(build):
    key = "K" * 64
    for given in contents():
        answer = build("beams", content=given, interests=["symbol;BTC-USD"], keyID="8f9a-1", key=key)
        assert "error" not in answer, answer
        body = json.loads(answer["body"])
        assert len(answer["body"]) <= 10 * 1024 and body["interests"] == ["symbol;BTC-USD"]
        assert body.keys() & {"apns", "fcm", "web"}
        assert all(isinstance(value, str) for value in body["fcm"]["data"].values())
    header, claims, signed, signature = token_parts(build("beams-token", user="ann", keyID="8f9a-1", key=key, now=1000)["token"])
    assert header["alg"] == "HS256" and signature == hmac.new(key.encode(), signed, hashlib.sha256).digest()
    assert claims == {"iss": "https://8f9a-1.pushnotifications.pusher.com", "sub": "ann", "exp": 1000 + 86_400}


def test_webhooks_verify_with_the_reference_library(build):
    secret = "whsec_" + base64.b64encode(bytes(range(32))).decode()
    for given in contents():
        answer = build("webhook", content=given, endpoint="https://example.com/", key=secret, now=int(time.time()))
        assert "error" not in answer, answer
        event = standardwebhooks.Webhook(secret).verify(answer["body"], answer["headers"])
        assert event["type"] == "alert.fired" and len(answer["body"]) <= 20_000


def test_chats_get_valid_requests_whatever_is_said(build):
    token = "123:" + "A" * 35
    for given in contents():
        telegram = json.loads(build("telegram", content=given, token=token, subject="-100")["body"])
        assert telegram["parse_mode"] == "HTML" and telegram["text"].count("<") == 2
        slack = json.loads(build("slack", content=given, endpoint="https://hooks.slack.com/services/a")["body"])
        assert slack["text"] and all(block["type"] in ("header", "section", "image", "context", "actions") for block in slack["blocks"])
        discord = json.loads(build("discord", content=given, endpoint="https://discord.com/api/webhooks/1/a")["body"])
        assert discord["allowed_mentions"] == {"parse": []} and len(discord["embeds"]) == 1
        ntfy = json.loads(build("ntfy", content=given, endpoint="https://ntfy.sh", subject="prices")["body"])
        assert ntfy["topic"] == "prices" and 1 <= ntfy["priority"] <= 5 and len(ntfy["message"].encode()) <= 4096
