"""/v1/alerts: who may do what, strict bodies, and each status that is documented."""
import http.client
import json
import pathlib

import jsonschema
import psycopg
import pytest

from alert_setup import prepare, reset
from conftest import APP, Service, environment, free_port, rows, tickwire

ALERT = json.loads((pathlib.Path(__file__).parent / "schemas" / "alert.json").read_text())


class API:
    """A client with a token."""

    def __init__(self, port, token):
        self.port = port
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def __call__(self, method, path, body=None, raw=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        sent = dict(self.headers, **headers)
        data = raw if raw is not None else None if body is None else json.dumps(body)
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        connection.request(method, path, data, sent)
        answer = connection.getresponse()
        text = answer.read().decode()
        return answer.status, json.loads(text) if text else None, answer.headers

    def add(self, condition="crosses above 70000", symbol="BTC-USD", **members):
        status, alert, _ = self("POST", "/v1/alerts", dict(symbol=symbol, condition=condition, **members))
        assert status == 201, alert
        return alert


@pytest.fixture(scope="module")
def world(module_database, tmp_path_factory):
    env = {"DATABASE_URL": module_database, "TICKWIRE_DATA_DIR": str(tmp_path_factory.mktemp("data"))}
    prepare(module_database, TICKWIRE_DATA_DIR=env["TICKWIRE_DATA_DIR"])
    tokens = {}
    for user, scope in [("ann", "alerts"), ("bob", "alerts"), ("root", "alerts:all"), ("page", "channels:*")]:
        tickwire("users", "create", user, check=True, **env)
        tokens[user] = tickwire("tokens", "create", user, "--scope", scope, check=True, **env).stdout.strip()
    port = free_port()
    settings = environment(**env, **APP, TICKWIRE_ALERTS_PER_USER_MAX="5")
    service = Service(["gateway", "--port", port], settings, port, tmp_path_factory.mktemp("log") / "gateway.log").wait_ready()
    yield module_database, {user: API(port, token) for user, token in tokens.items()} | {"nobody": API(port, None)}
    service.stop()


@pytest.fixture
def apis(world):
    reset(world[0])
    with psycopg.connect(world[0]) as connection:
        connection.execute("TRUNCATE alerts RESTART IDENTITY CASCADE")
    return world[1]


def test_an_alert_is_added_read_changed_and_removed(apis, world):
    ann = apis["ann"]
    status, alert, headers = ann("POST", "/v1/alerts", {
        "symbol": "BTC-USD", "condition": "Crosses above 7e4 COOLDOWN 900s", "venue": "coinbase", "webhook": "https://example.com/hook",
        "title": "{symbol}", "body": "{price}", "locale": "de-CH",
    })
    assert status == 201 and headers["Location"] == f"/v1/alerts/{alert['id']}"
    jsonschema.validate(alert, ALERT)
    assert alert["condition"] == "crosses above 70000 cooldown 15m" and alert["user"] == "ann" and alert["state"] == "armed"
    assert alert["distance"]["text"] == "no price yet", "the venue has none"
    assert ann("GET", headers["Location"])[1] == alert

    status, changed, _ = ann("PATCH", headers["Location"], {"condition": "below 69000 once priority urgent", "title": None, "webhook": None})
    assert status == 200 and changed["condition"] == "below 69000 once priority urgent" and changed["priority"] == "urgent"
    assert "title" not in changed and changed["body"] == "{price}" and "webhook" not in changed and changed["locale"] == "de-CH"
    assert ann("PATCH", headers["Location"], {})[1]["condition"] == changed["condition"]

    assert ann("DELETE", headers["Location"])[0] == 204
    assert ann("GET", headers["Location"])[0] == 404 and ann("DELETE", headers["Location"])[0] == 404
    assert "webhookSecret" not in json.dumps(alert), "one secret signs everybody's webhooks"


def test_the_distance_is_that_of_the_last_price(apis):
    alert = apis["ann"].add("crosses above 70000")
    assert alert["distance"] == {"text": "500 (0.72%) up from 69500", "price": "69500", "missing": "500"}
    assert apis["ann"].add("above 69000")["distance"]["text"] == "true now, at 69500"
    assert apis["ann"].add("spread above 1%")["distance"]["missing"] == "1%"
    assert apis["ann"].add("up 3% today")["distance"]["text"] == "moved 2.04% of 3%, at 69500"


def test_without_a_token_nobody_sees_anything(apis):
    status, answer, headers = apis["nobody"]("GET", "/v1/alerts")
    assert status == 401 and "Authorization" in answer["error"] and headers["WWW-Authenticate"] == "Bearer"
    assert API(apis["ann"].port, "tw_" + "x" * 43)("GET", "/v1/alerts")[0] == 401
    status, answer, _ = apis["page"]("GET", "/v1/alerts")
    assert status == 403 and "channels:*" in answer["error"]


def test_a_user_sees_only_their_own_alerts_and_an_administrator_all(apis):
    mine = apis["ann"].add()
    path = f"/v1/alerts/{mine['id']}"
    for method, suffix in [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/resume"), ("GET", "/events")]:
        status, answer, _ = apis["bob"](method, path + suffix, {} if method != "GET" else None)
        assert status == 404 and answer["error"] == f"There is no alert {mine['id']}"
    assert apis["bob"]("GET", "/v1/alerts")[1] == {"alerts": []}
    assert apis["bob"]("GET", "/v1/alerts?user=ann")[0] == 403
    status, answer, _ = apis["bob"]("POST", "/v1/alerts", {"symbol": "AAPL", "condition": "above 1", "user": "ann"})
    assert status == 403 and answer["member"] == "user"

    assert [alert["id"] for alert in apis["root"]("GET", "/v1/alerts")[1]["alerts"]] == [mine["id"]]
    assert apis["root"]("GET", path)[0] == 200
    other = apis["root"].add(user="bob", symbol="AAPL", condition="above 200")
    assert apis["bob"]("GET", "/v1/alerts")[1]["alerts"][0]["id"] == other["id"]
    assert [alert["user"] for alert in apis["root"]("GET", "/v1/alerts?user=ann")[1]["alerts"]] == ["ann"]


def test_lists_have_filters_and_pages(apis):
    ids = [apis["ann"].add(f"above {price}", symbol)["id"] for price, symbol in [(1, "AAPL"), (2, "BTC-USD"), (3, "AAPL")]]
    apis["ann"]("POST", f"/v1/alerts/{ids[0]}/pause")

    def listed(query):
        answer = apis["ann"]("GET", f"/v1/alerts?{query}")[1]
        return [alert["id"] for alert in answer["alerts"]], answer.get("next")

    assert listed("symbol=AAPL") == ([ids[0], ids[2]], None)
    assert listed("state=paused") == ([ids[0]], None)
    assert listed("limit=2") == (ids[:2], ids[1])
    assert listed(f"limit=2&after={ids[1]}") == (ids[2:], None)


@pytest.mark.parametrize("query, member", [("colour=red", "colour"), ("limit=0", "limit"), ("limit=1001", "limit"), ("after=x", "after"), ("state=asleep", "state"), ("limit=1&limit=2", "limit")])
def test_a_query_that_is_not_understood_is_refused(apis, query, member):
    status, answer, _ = apis["ann"]("GET", f"/v1/alerts?{query}")
    assert status == 400 and answer["member"] == member


@pytest.mark.parametrize("body, status, member, error", [
    ({"symbol": "BTC-USD", "condition": "above 1", "colour": "red"}, 400, "colour", "Unknown member 'colour'"),
    ({"symbol": "BTC-USD", "condition": 5}, 400, "condition", "must be a text"),
    ({"symbol": "BTC-USD", "condition": None}, 400, "condition", "must be a text"),
    ({"symbol": "BTC-USD"}, 400, "condition", "'condition' is missing"),
    ({"condition": "above 1"}, 400, "symbol", "'symbol' is missing"),
    ([], 400, None, "not a JSON object"),
    ({"symbol": "btc", "condition": "above 1"}, 422, None, "'btc' is not a symbol"),
    ({"symbol": "BTC-USD", "condition": "above 1", "venue": "Coin Base"}, 422, None, "is not a venue"),
    ({"symbol": "BTC-USD", "condition": "abvoe 1"}, 422, "condition", "did you mean 'above'?"),
    ({"symbol": "BTC-USD", "condition": "above 1 until 2020-01-01"}, 422, "condition", "is past"),
    ({"symbol": "BTC-USD", "condition": "above 1", "webhook": "ftp://x"}, 422, "webhook", "not a webhook"),
    ({"symbol": "BTC-USD", "condition": "above 1", "title": "{prise}"}, 422, "title", "did you mean '{price}'?"),
    ({"symbol": "BTC-USD", "condition": "above 1", "body": "a } b"}, 422, "body", "closes nothing"),
    ({"symbol": "BTC-USD", "condition": "above 1", "locale": "not a locale"}, 422, None, "is not a locale"),
])
def test_a_body_that_is_not_understood_is_refused(apis, body, status, member, error):
    got, answer, _ = apis["ann"]("POST", "/v1/alerts", body)
    assert got == status and answer.get("member") == member and error in answer["error"]
    assert apis["ann"]("GET", "/v1/alerts")[1] == {"alerts": []}


def test_an_error_names_the_column(apis):
    _, answer, _ = apis["ann"]("POST", "/v1/alerts", {"symbol": "BTC-USD", "condition": "above 70,000"})
    assert answer == {"error": "column 7: expected a price, found '70,000'; write 70000", "member": "condition", "column": 7}
    _, answer, _ = apis["ann"]("POST", "/v1/alerts", {"symbol": "BTC-USD", "condition": "above 1", "title": "up {"})
    assert answer["column"] == 4


def test_bodies_have_a_form_and_a_limit(apis):
    ann = apis["ann"]
    assert ann("POST", "/v1/alerts", raw="{")[0] == 400
    assert ann("POST", "/v1/alerts", raw="symbol=BTC-USD", **{"Content-Type": "application/x-www-form-urlencoded"})[0] == 415
    status, answer, _ = ann("POST", "/v1/alerts", {"symbol": "BTC-USD", "condition": "above 1", "title": "x" * 70_000})
    assert status == 413 and "65536" in answer["error"]
    assert ann("GET", "/v1/alerts/x")[0] == 404 and ann("GET", "/v1/alerts/99999")[0] == 404


def test_a_user_may_have_so_many_alerts(apis):
    for price in range(1, 6):
        apis["ann"].add(f"above {price}")
    status, answer, _ = apis["ann"]("POST", "/v1/alerts", {"symbol": "BTC-USD", "condition": "above 6"})
    assert status == 409 and "5 alerts" in answer["error"]
    apis["bob"].add()
    ids = [alert["id"] for alert in apis["ann"]("GET", "/v1/alerts")[1]["alerts"]]
    apis["ann"]("DELETE", f"/v1/alerts/{ids[0]}")
    apis["ann"].add()


def test_pause_resume_and_snooze(apis, world):
    ann = apis["ann"]
    path = f"/v1/alerts/{ann.add()['id']}"
    assert ann("POST", path + "/pause")[1]["state"] == "paused"
    assert ann("POST", path + "/resume")[1]["state"] == "armed"
    snoozed = ann("POST", path + "/snooze", {"for": "15m"})[1]
    assert snoozed["state"] == "snoozed" and snoozed["snoozedUntil"]
    jsonschema.validate(snoozed, ALERT)
    assert ann("POST", path + "/snooze", {"until": "2030-12-31T08:00Z"})[1]["snoozedUntil"] == "2030-12-31T08:00:00.000000Z"
    assert ann("POST", path + "/snooze", {"until": None})[1]["state"] == "armed"
    for body, status in [({}, 400), ({"for": "15m", "until": "2030-12-31"}, 400), ({"for": "soon"}, 422), ({"until": "2020-01-01"}, 422), ({"until": "x"}, 422), ({"for": None}, 400)]:
        assert ann("POST", path + "/snooze", body)[0] == status, body
    assert ann("POST", path + "/pause", {"for": "15m"})[0] == 400

    with psycopg.connect(world[0]) as connection:
        connection.execute("UPDATE alerts SET pause = 'storm'")
    assert ann("POST", path + "/pause")[1]["state"] == "storm", "the reason stays"
    assert ann("POST", path + "/resume")[1]["state"] == "armed"
    with psycopg.connect(world[0]) as connection:
        connection.execute("UPDATE alerts SET expression = 'above 1 once', is_armed = false, crossing_count = 1")
    status, answer, _ = ann("POST", path + "/resume")
    assert status == 409 and "fire once" in answer["error"]
    assert ann("GET", path)[1]["state"] == "done"


def test_events_come_newest_first_and_in_pages(apis, world):
    ann = apis["ann"]
    alert = ann.add()
    with psycopg.connect(world[0]) as connection:
        for crossing in range(1, 4):
            connection.execute(
                "INSERT INTO alert_events (alert_id, crossing, fired_at, event_time, received_time, venue_id, expression, price, previous_price, payloads,"
                " late_reason, late_since) VALUES (%s, %s, now(), now(), now(), (SELECT id FROM venues WHERE name = 'sim'), 'crosses above 70000', 70001, 69999, '{}',"
                " %s, CASE WHEN %s::text IS NOT NULL THEN now() END)",
                (alert["id"], crossing, "gap" if crossing == 3 else None, "gap" if crossing == 3 else None),
            )
    path = f"/v1/alerts/{alert['id']}/events"
    answer = ann("GET", path)[1]
    assert [event["crossing"] for event in answer["events"]] == [3, 2, 1] and "next" not in answer
    assert answer["events"][0]["late"]["reason"] == "gap" and answer["events"][0]["price"] == "70001" and answer["events"][0]["venue"] == "sim"
    first = ann("GET", path + "?limit=2")[1]
    assert [event["crossing"] for event in ann("GET", f"{path}?limit=2&before={first['next']}")[1]["events"]] == [1]


def test_a_condition_is_tried_without_storing_anything(apis, world):
    ann = apis["ann"]
    status, answer, _ = ann("POST", "/v1/alerts/test", {"condition": "CROSSES above 70000", "prices": ["69990", "70000", "70001"]})
    assert status == 200 and answer["condition"] == "crosses above 70000" and answer["fired"] == 1
    assert [step["fires"] for step in answer["steps"]] == [False, False, True]
    assert "touches" in answer["steps"][1]["reason"]
    for body, status in [({"condition": "above 1"}, 400), ({"condition": "above 1", "prices": ["x"]}, 422), ({"condition": "above 1", "prices": [1]}, 400), ({"condition": "x", "prices": ["1"]}, 422), ({"condition": "above 1", "prices": ["1"], "every": "x"}, 422)]:
        assert ann("POST", "/v1/alerts/test", body)[0] == status, body
    assert rows(world[0], "SELECT count(*) FROM alerts") == [(0,)]


def test_pages_of_other_origins_may_ask(apis):
    status, _, headers = apis["nobody"]("OPTIONS", "/v1/alerts/1", **{"Origin": "https://app.example", "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization"})
    assert status == 204 and "PATCH" in headers["Access-Control-Allow-Methods"] and headers["Access-Control-Allow-Headers"] == "authorization"
    assert apis["ann"]("GET", "/v1/alerts", **{"Origin": "https://app.example"})[2]["Access-Control-Allow-Origin"] == "*"
