"""Deliveries from the outbox to push services that are mocked on the wire: every answer ends as its table says."""
import base64
import hashlib
import json
import secrets
import time

import http_ece
import psycopg
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from conftest import json_lines, rows, tickwire, wait_until
from push_rig import KEY_ID, TEAM_ID, Services, by_token, content, put_apns, states, unbase64, wait_finished, worker


@pytest.fixture
def services(tmp_path, database):
    made = Services(tmp_path, database)
    tickwire("migrate", env=made.env, check=True)
    yield made
    made.stop()


def token(kind, number=0):
    return hashlib.sha256(f"{kind}-{number}".encode()).hexdigest()


def add(services, user, *arguments, input_text=None):
    return json.loads(tickwire("devices", "add", user, *arguments, "--json", env=services.env, check=True).stdout)


def put(services, device, event, collapse="", **options):
    """A delivery to a device of any service, as the alert engine puts it in."""
    with psycopg.connect(services.database, autocommit=True) as connection:
        service, address = connection.execute("SELECT service, token FROM devices WHERE id = %s", (device,)).fetchone()
        host = address.split("//")[1].split("/")[0] if "//" in address else ""
        lane = "fcm" if service == "fcm" else f"{service}:{host.split(chr(10))[0]}"
        return connection.execute(
            """INSERT INTO deliveries (service, target, payload, format, lane, user_id, device_id, event_key, collapse_key,
                                       expires_at)
            VALUES (%s, 'device:' || %s, %s, 'content', %s, 'ann', %s, %s, %s, now() + interval '15 minutes')
            RETURNING id""",
            (service, device, content(event, collapse, **options), lane, device, event, collapse or None)).fetchone()[0]


def test_each_answer_of_apns_ends_as_its_table_says(services, tmp_path):
    table = {
        "fine": [], "gone": ["Unregistered!"], "expired-token": ["ExpiredToken!"], "large": ["PayloadTooLarge"],
        "too-large": ["PayloadTooLarge!"], "busy": ["ServiceUnavailable"], "broken": ["InternalServerError"],
        "reset": ["reset"], "our-fault": ["BadCollapseId!"], "old-key": ["UnrelatedKeyIdInToken"],
        "elsewhere": ["BadDeviceToken!"], "nowhere": ["BadDeviceToken!"],
    }
    each = 6
    for kind, steps in table.items():
        for number in range(each):
            services.apns.script[token(kind, number)] = list(steps)
    services.sandbox.known_tokens = {token("elsewhere", number) for number in range(each)}
    everything = [token(kind, number) for kind in table for number in range(each)]
    put_apns(services.database, everything, sparkline=range(24))
    with worker(services, tmp_path):
        wait_finished(services.database, 45)
    found = by_token(services.database)
    for kind in table:
        for number in range(each):
            state, error, attempts, is_disabled, environment = found[token(kind, number)]
            if kind in ("gone", "expired-token", "nowhere"):
                assert (state, is_disabled) == ("dead", True), (kind, state, error)
            elif kind in ("too-large", "our-fault"):
                assert (state, is_disabled) == ("dead", False), (kind, state, error)
            else:
                assert (state, is_disabled) == ("done", False), (kind, state, error, attempts)
            assert environment == ("sandbox" if kind == "elsewhere" else "production"), kind
    # Once on each device, and never more streams than APNs allowed.
    taken = services.apns.accepted + services.sandbox.accepted
    assert len(taken) == len({record.token for record in taken}) == 7 * each
    assert services.apns.violations == 0
    assert len(services.apns.provider_tokens | services.sandbox.provider_tokens) == 1
    shrunk = {len(r.body) for r in services.apns.accepted if r.token == token("large", 0)}
    assert shrunk and max(shrunk) < max(len(r.body) for r in services.apns.accepted if r.token == token("fine", 0))


def test_a_connection_that_is_told_to_go_away_is_replaced_and_the_id_stays(services, tmp_path):
    services.apns.script[token("goaway")] = ["goaway"]
    put_apns(services.database, [token("goaway")])
    with worker(services, tmp_path):
        wait_finished(services.database)
    assert states(services.database) == {"done": 1}
    ids = {record.headers["apns-id"] for record in services.apns.accepted + services.apns.refused}
    assert len(ids) == 1 and services.apns.connections == 2


def test_a_410_older_than_the_registration_keeps_the_device(services, tmp_path):
    # The mock's timestamp is an hour ahead; the device registers after that.
    services.apns.script[token("again")] = ["Unregistered"]
    put_apns(services.database, [token("again")], hours=-2)
    with worker(services, tmp_path):
        wait_finished(services.database)
    state, _, attempts, is_disabled, _ = by_token(services.database)[token("again")]
    assert (state, attempts, is_disabled) == ("done", 2, False)


def test_an_expired_provider_token_is_renewed_once_for_all(services, tmp_path):
    old = provider_token(services, age=1900)
    with psycopg.connect(services.database, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO push_credentials (name, token, issued_at) VALUES (%s, %s, now() - interval '1900 seconds')",
            (f"apns:{TEAM_ID}/{KEY_ID}", old))
    services.apns.verified[old] = ("ExpiredProviderToken", 0)
    put_apns(services.database, [token("fine", number) for number in range(50)])
    with worker(services, tmp_path):
        wait_finished(services.database)
    assert states(services.database) == {"done": 50}
    assert len(services.apns.provider_tokens - {old}) == 1


def provider_token(services, age):
    def encode(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    key = serialization.load_pem_private_key(services.credentials.apns_file.read_bytes(), None)
    head = encode(json.dumps({"alg": "ES256", "kid": KEY_ID}).encode())
    claims = encode(json.dumps({"iss": TEAM_ID, "iat": int(time.time()) - age}).encode())
    r, s = decode_dss_signature(key.sign(f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256())))
    return f"{head}.{claims}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def test_a_refused_key_holds_its_lane_back_keeps_the_queue_and_says_so(services, tmp_path):
    services.apns.team_id = "OTHERTEAM1"
    put_apns(services.database, [token("fine", number) for number in range(30)])
    fcm = add(services, "ann", "--fcm", "fcm-token-1")["id"]

    def lane(name):
        lines = json_lines(tickwire("deliver", "status", "--json", env=services.env, check=True).stdout)
        return next((line for line in lines if line["lane"].startswith(name)), {})
    with worker(services, tmp_path):
        wait_until(lambda: lane("apns").get("breaker") == "open", what="the open breaker")
        put(services, fcm, "after")
        wait_until(lambda: lane("fcm").get("sent") == 1, what="the other lane's delivery")
        shown = lane("apns")
        assert "InvalidProviderToken" in shown["breakerReason"]
        assert shown["dead"] == 0 and shown["waiting"] == 30
        text = tickwire("deliver", "status", env=services.env, check=True).stdout
        assert "is held back: HTTP 403 InvalidProviderToken" in text
    # One try, and no burst against a service that refuses us.
    assert len(services.apns.refused) <= 2


def test_fcm_asks_for_one_access_token_and_follows_its_table(services, tmp_path):
    table = {"ok": [], "gone": ["UNREGISTERED"], "other": ["SENDER_ID_MISMATCH"], "bad": ["INVALID_ARGUMENT"],
             "quota": ["QUOTA_EXCEEDED"], "busy": ["UNAVAILABLE"]}
    ids = {}
    for name, steps in table.items():
        services.web.script[f"fcm-{name}"] = list(steps)
        ids[name] = add(services, "ann", "--fcm", f"fcm-{name}")["id"]
        put(services, ids[name], f"event-{name}")
    with worker(services, tmp_path):
        wait_finished(services.database, 45)
    found = by_token(services.database)
    for name in table:
        state, error, _, is_disabled, _ = found[f"fcm-{name}"]
        is_gone = name in ("gone", "other", "bad")
        assert (state, is_disabled) == (("dead", True) if is_gone else ("done", False)), (name, state, error)
    assert sorted(to for to, _ in services.web.fcm) == ["fcm-busy", "fcm-ok", "fcm-quota"]
    assert services.web.grants == 1


def point(public_key):
    return public_key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def verify_vapid(token, public_key, audience):
    head, payload, signature = token.split(".")
    raw = unbase64(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    public_key.verify(der, f"{head}.{payload}".encode(), ec.ECDSA(hashes.SHA256()))
    claims = json.loads(unbase64(payload))
    assert claims["aud"] == audience and claims["sub"] == "mailto:ops@example.com"
    assert time.time() < claims["exp"] <= time.time() + 86400


def test_a_browser_can_read_what_it_gets(services, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    public = point(key.public_key())
    auth = secrets.token_bytes(16)
    encode = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    file = tmp_path / "subscription.json"
    file.write_text(json.dumps({
        "endpoint": services.web.url + "/wp/browser1", "keys": {"p256dh": encode(public), "auth": encode(auth)}}))
    gone = tmp_path / "gone.json"
    gone.write_text(file.read_text().replace("browser1", "browser2"))
    services.web.script["browser2"] = [410]
    first, second = (add(services, "ann", "--web-push", path)["id"] for path in (file, gone))
    shown = tickwire("push", "test", first, "--body", "Hello, browser", env=services.env, check=True).stdout
    assert "the receiver answered 201" in shown and "taken by the service" in shown
    refused = tickwire("push", "test", second, env=services.env)
    assert refused.returncode == 69 and "switched off" in refused.stdout
    _, headers, body = services.web.to("/wp/browser1")[0]
    document = json.loads(http_ece.decrypt(body, private_key=key, auth_secret=auth, version="aes128gcm"))
    assert document["notification"]["body"] == "Hello, browser"
    scheme, parameters = headers["authorization"].split(" ", 1)
    claims = dict(part.strip().split("=", 1) for part in parameters.split(","))
    verify_vapid(claims["t"], services.credentials.vapid.public_key(), services.web.url)
    assert scheme == "vapid" and unbase64(claims["k"]) == point(services.credentials.vapid.public_key())
    assert headers["ttl"].isdigit() and 290 <= int(headers["ttl"]) <= 300
    listed = {d["id"]: d for d in json_lines(tickwire("devices", "list", "--json", env=services.env, check=True).stdout)}
    assert "410" in listed[second]["disabledReason"] and "lastSuccessAt" in listed[first]


def test_a_sink_that_hangs_delays_no_other(services, tmp_path):
    services.web.delays["slow"] = 3
    slow = add(services, "ann", "--webhook", services.web.url + "/slow", "--secret", "whsec_" + base64.b64encode(bytes(32)).decode())["id"]
    fcm = add(services, "ann", "--fcm", "fcm-1")["id"]
    for number in range(40):
        put(services, slow, f"slow-{number}")
    with worker(services, tmp_path):
        wait_until(lambda: services.web.to("/slow"), what="the first request to the sink that hangs")
        started = time.monotonic()
        put(services, fcm, "quick")
        wait_until(lambda: services.web.fcm, what="the other delivery")
        assert time.monotonic() - started < 1.9


def test_chats_get_the_message_and_a_newer_one_takes_the_place_of_one_that_waits(services, tmp_path):
    url = services.web.url
    devices = [
        add(services, "ann", "--ntfy", url + "/my-topic"),
        add(services, "ann", "--telegram", "123456:ABCdefGHIjklMNOpqrsTUVwxyz0123456789@987654"),
    ]
    for device in devices:
        shown = tickwire("push", "test", device["id"], "--title", "Up", env=services.env)
        assert shown.returncode == 0, shown.stdout + shown.stderr
    assert len(services.web.requests) == 2
    listed = tickwire("devices", "list", env=services.env, check=True).stdout
    assert "ABCdef" not in listed


def test_a_token_moves_to_the_user_who_registers_it_last(services, tmp_path):
    first = add(services, "ann", "--apns", token("phone"))
    put_apns(services.database, [token("phone")])
    second = add(services, "bob", "--apns", token("phone").upper())
    assert first["id"] == second["id"] and second["user"] == "bob"
    assert states(services.database) == {"dropped": 1}
    tickwire("devices", "remove", second["id"], env=services.env, check=True)
    missing = tickwire("devices", "remove", second["id"], env=services.env)
    assert missing.returncode == 64 and f"There is no device {second['id']}" in missing.stderr


def test_what_was_given_up_can_be_sent_again(services, tmp_path):
    services.apns.script[token("phone")] = ["BadCollapseId"]
    put_apns(services.database, [token("phone")])
    with worker(services, tmp_path):
        wait_until(lambda: states(services.database) == {"dead": 1}, what="the dead letter")
        letters = json_lines(tickwire("deliver", "status", "--dead", "--json", env=services.env, check=True).stdout)
        assert [letter["status"] for letter in letters] == [400] and "BadCollapseId" in letters[0]["answer"]
        wrong = tickwire("deliver", "replay", "--dead", letters[0]["id"] + 1, env=services.env)
        assert wrong.returncode == 64 and "was not given up" in wrong.stderr
        tickwire("deliver", "replay", "--dead", letters[0]["id"], env=services.env, check=True)
        wait_until(lambda: states(services.database) == {"done": 1}, what="the second try")
    ids = {record.headers["apns-id"] for record in services.apns.accepted + services.apns.refused}
    assert len(ids) == 1


def test_two_workers_share_the_outbox_and_the_provider_token(services, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    put_apns(services.database, [token("many", number) for number in range(300)])
    with worker(services, tmp_path / "a"), worker(services, tmp_path / "b"):
        wait_finished(services.database)
    assert states(services.database) == {"done": 300}
    assert len(services.apns.accepted) == 300 and max(services.apns.accepted_ids.values()) == 1
    assert len(services.apns.provider_tokens) == 1


def test_private_addresses_are_refused_unless_allowed(tmp_path, database):
    services = Services(tmp_path, database, TICKWIRE_WEBHOOKS_ALLOW_PRIVATE="false")
    try:
        tickwire("migrate", env=services.env, check=True)
        device = add(services, "ann", "--ntfy", "https://127.0.0.1:1/topic")
        shown = tickwire("push", "test", device["id"], env=services.env)
        assert shown.returncode == 69 and "webhooks.allowPrivate" in shown.stdout
        refused = tickwire("devices", "add", "ann", "--web-push", "-", env=services.env)
        assert refused.returncode == 66
    finally:
        services.stop()


def test_bad_input_is_refused_with_its_fix(services, tmp_path):
    cases = [
        (["devices", "add", "ann", "--apns", "zz"], 64, "hexadecimal"),
        (["devices", "add", "ann"], 64, "Give one of"),
        (["devices", "add", "a nn", "--fcm", "x"], 64, "is not a user"),
        (["devices", "preferences", "ann", "--quiet", "late"], 64, "are no quiet hours"),
        (["devices", "preferences", "ann", "--zone", "Mars/Base"], 64, "is no zone"),
        (["push", "test", "99"], 64, "There is no device 99"),
        (["deliver", "replay"], 64, "--dead"),
    ]
    for arguments, code, words in cases:
        result = tickwire(*arguments, env=services.env)
        assert result.returncode == code and words in result.stderr, (arguments, result.returncode, result.stderr)
    key = tmp_path / "broken.p8"
    key.write_text("nonsense")
    broken = tickwire("deliver", env={**services.env, "TICKWIRE_PUSH_APNS_KEY_FILE": str(key)})
    assert broken.returncode == 78 and "private key" in broken.stderr and "nonsense" not in broken.stderr
    tickwire("devices", "preferences", "ann", "--quiet", "mon-fri 22:00-07:00", "--zone", "Europe/Berlin", env=services.env, check=True)
    shown = tickwire("devices", "preferences", "ann", env=services.env, check=True).stdout
    assert "mon,tue,wed,thu,fri 22:00-07:00 (Europe/Berlin)" in shown
