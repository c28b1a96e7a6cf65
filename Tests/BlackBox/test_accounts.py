"""Users, tokens, and the auth endpoints that clients of the Pusher protocol ask."""
import base64
import hashlib
import http.client
import json
import urllib.parse

import pytest
from websockets.sync.client import connect

from conftest import APP, rows, sign, tickwire, wait_until

KEY, SECRET = APP["TICKWIRE_APP_KEY"], APP["TICKWIRE_APP_SECRET"]
MASTER = base64.b64encode(bytes(range(32))).decode()


def ask(port, path, fields, token=None, headers=None, json_body=False):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = dict(headers or {})
    if token:
        headers["Authorization"] = f"Bearer {token}"
    headers["Content-Type"] = "application/json" if json_body else "application/x-www-form-urlencoded"
    body = json.dumps(fields) if json_body else urllib.parse.urlencode(fields)
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read()), answer.headers


@pytest.fixture(scope="module")
def accounts(module_database, tmp_path_factory):
    """Users ann and bob with a token of ann, made before any service runs."""
    env = {"DATABASE_URL": module_database, "TICKWIRE_DATA_DIR": tmp_path_factory.mktemp("data")}
    tickwire("users", "create", "ann", "--name", "Ann Lee", check=True, **env)
    tickwire("users", "create", "bob", check=True, **env)
    token = tickwire("tokens", "create", "ann", check=True, **env).stdout.strip()
    return env, token


@pytest.fixture(scope="module")
def gateway(accounts, tmp_path_factory):
    from conftest import Service, environment, free_port

    env, token = accounts
    port = free_port()
    second = tmp_path_factory.mktemp("settings") / "tickwire.yaml"
    second.write_text("apps: [{id: second, keys: [{key: second-old, secret: s1}, {key: second-new, secret: s2}]}]\n")
    settings = environment(**env, **APP, TICKWIRE_APP_ENCRYPTION_MASTER_KEY=MASTER)
    log = tmp_path_factory.mktemp("log") / "gateway.log"
    service = Service(["gateway", "--port", port, "--config", second], settings, port, log).wait_ready()
    yield service, token, env
    service.stop()


def test_a_token_is_printed_once_and_only_its_hash_is_kept(accounts, module_database):
    _, token = accounts
    assert token.startswith("tw_") and len(token) == 46
    (stored,), *_ = rows(module_database, "SELECT hash FROM api_tokens ORDER BY id LIMIT 1")
    assert bytes(stored) == hashlib.sha256(token.encode()).digest()


def test_lists_and_json(accounts):
    env, token = accounts
    users = [json.loads(line) for line in tickwire("users", "list", "--json", check=True, **env).stdout.splitlines()]
    assert [(user["id"], user["name"]) for user in users] == [("ann", "Ann Lee"), ("bob", "bob")]
    made = json.loads(tickwire("tokens", "create", "bob", "--name", "phone", "--scope", "channels:private-*", "--expires", "1h", "--json", check=True, **env).stdout)
    assert made["scopes"] == ["channels:private-*"] and made["token"].startswith("tw_") and made["expiresAt"] > made["createdAt"]
    listed = tickwire("tokens", "list", "--user", "bob", check=True, **env).stdout
    assert "phone" in listed and made["token"] not in listed
    tickwire("tokens", "revoke", made["id"], check=True, **env)
    assert "phone" not in tickwire("tokens", "list", check=True, **env).stdout
    assert "revoked" in tickwire("tokens", "list", "--all", check=True, **env).stdout


@pytest.mark.parametrize("arguments, expected", [
    (("tokens", "create", "anm"), "Did you mean ann"),
    (("users", "remove", "bobb"), "Did you mean bob"),
    (("users", "create", "ann"), "already"),
    (("users", "create", "a b"), "'a b'"),
    (("tokens", "create", "ann", "--scope", "private-*"), "channels:PATTERN"),
    (("tokens", "revoke", "4711"), "4711"),
])
def test_mistakes_are_named_with_the_fix(accounts, arguments, expected):
    env, _ = accounts
    result = tickwire(*arguments, **env)
    assert result.returncode == 64 and expected in result.stderr and not result.stdout


def test_channel_authorisation_is_what_pusher_clients_expect(gateway):
    service, token, _ = gateway
    status, answer, _ = ask(service.port, "/pusher/auth", {"socket_id": "1234.1234", "channel_name": "private-foobar"}, token)
    assert (status, answer) == (200, {"auth": f"{KEY}:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"})

    status, answer, _ = ask(service.port, "/pusher/auth", {"socket_id": "1.2", "channel_name": "presence-room"}, token)
    assert status == 200 and json.loads(answer["channel_data"]) == {"user_id": "ann", "user_info": {"name": "Ann Lee"}}
    assert answer["auth"] == f"{KEY}:" + sign(f"1.2:presence-room:{answer['channel_data']}")

    status, answer, _ = ask(service.port, "/pusher/auth", {"socket_id": "1.2", "channel_name": "private-encrypted-demo"}, token, json_body=True)
    assert status == 200 and answer["auth"] == f"{KEY}:" + sign("1.2:private-encrypted-demo")
    assert answer["shared_secret"] == "EYp9Iw61We0SSO8i4YNMUxqo4TeGPjdBtcgzC9ocVl0="

    status, answer, _ = ask(service.port, "/pusher/user-auth", {"socket_id": "1.2"}, token)
    assert status == 200 and json.loads(answer["user_data"]) == {"id": "ann", "user_info": {"name": "Ann Lee"}}
    assert answer["auth"] == f"{KEY}:" + sign(f"1.2::user::{answer['user_data']}")


def test_another_app_is_named_by_one_of_its_keys_and_its_oldest_signs(gateway):
    service, token, _ = gateway
    fields = {"socket_id": "1.2", "channel_name": "private-x", "app_key": "second-new"}
    status, answer, _ = ask(service.port, "/pusher/auth", fields, token)
    assert status == 200 and answer["auth"] == "second-old:" + sign("1.2:private-x", "s1")


@pytest.mark.parametrize("fields, reason", [
    ({"socket_id": "1.2", "channel_name": "private-alerts-bob"}, "another user's"),
    ({"socket_id": "1.2", "channel_name": "private-encrypted-alerts-bob"}, "another user's"),
    ({"socket_id": "1.2", "channel_name": "ticker-BTC-USD"}, "needs no authorisation"),
    ({"socket_id": "1.2", "channel_name": "private-ä"}, "Invalid channel name"),
    ({"socket_id": "1.2:private-x", "channel_name": "private-x"}, "Invalid socket id"),
    ({"channel_name": "private-x"}, "socket_id is missing"),
    ({"socket_id": "1.2"}, "channel_name is missing"),
    ({"socket_id": "1.2", "channel_name": "private-x", "app_key": "nope"}, "nope"),
    ({"socket_id": "1.2", "channel_name": "private-" + "x" * 20_000}, "longer than"),
])
def test_everything_else_is_403_with_the_reason(gateway, fields, reason):
    service, token, _ = gateway
    status, answer, _ = ask(service.port, "/pusher/auth", fields, token)
    assert status == 403 and reason in answer["error"]


def test_without_a_valid_token_nobody_gets_in(gateway):
    service, token, _ = gateway
    fields = {"socket_id": "1.2", "channel_name": "private-x"}
    for bad in (None, "x", "tw_" + "A" * 43, token[:-1] + ("A" if token[-1] != "A" else "B")):
        status, answer, _ = ask(service.port, "/pusher/auth", fields, bad)
        assert status == 403 and answer["error"] and (bad is None or bad not in answer["error"])


def test_browsers_of_any_origin_may_ask(gateway):
    service, token, _ = gateway
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    connection.request("OPTIONS", "/pusher/auth", headers={
        "Origin": "https://app.example", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, x-team"})
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 204 and answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "authorization" in answer.headers["Access-Control-Allow-Headers"].lower() and "POST" in answer.headers["Access-Control-Allow-Methods"]
    _, _, headers = ask(service.port, "/pusher/auth", {"socket_id": "1.2"}, token, {"Origin": "https://app.example"})
    assert headers["Access-Control-Allow-Origin"] == "*" and headers["Cache-Control"] == "no-store"


def test_a_revoked_token_is_out_within_seconds_and_uses_are_noted(gateway, module_database):
    service, _, env = gateway
    made = json.loads(tickwire("tokens", "create", "ann", "--json", check=True, **env).stdout)
    fields = {"socket_id": "1.2", "channel_name": "private-x"}
    assert ask(service.port, "/pusher/auth", fields, made["token"])[0] == 200
    tickwire("tokens", "revoke", made["id"], check=True, **env)
    wait_until(lambda: ask(service.port, "/pusher/auth", fields, made["token"])[0] == 403, 8, "the end of the token")


def test_a_client_joins_with_the_answer(gateway):
    service, token, _ = gateway
    with connect(f"ws://127.0.0.1:{service.port}/app/{KEY}?protocol=7&client=test&version=1.0") as connection:
        socket_id = json.loads(json.loads(connection.recv(5))["data"])["socket_id"]
        for channel in ("private-alerts-ann", "private-room"):
            _, answer, _ = ask(service.port, "/pusher/auth", {"socket_id": socket_id, "channel_name": channel}, token)
            connection.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": channel, **answer}}))
            assert json.loads(connection.recv(5))["event"] == "pusher_internal:subscription_succeeded"
        _, answer, _ = ask(service.port, "/pusher/auth", {"socket_id": socket_id, "channel_name": "private-room"}, token)
        connection.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": "private-other", **answer}}))
        assert json.loads(connection.recv(5))["event"] == "pusher:error"


def test_nothing_of_a_token_is_logged(gateway):
    service, token, _ = gateway
    assert token[3:] not in service.text()
