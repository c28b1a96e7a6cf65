"""An alert that the user's open page has shown is not pushed to the user's devices as well."""
import contextlib
import json

import pytest
import websockets.sync.client

from conftest import free_port, rows, tickwire, wait_until
from exchanges import PriceExchange
from test_alert_push import call, cross
from test_alerts import Receiver
from push_rig import Services


@pytest.fixture
def rig(tmp_path, database, start):
    """A service that waits 5 s for pages, an FCM device and a chat of ann's, and an exchange."""
    services = Services(tmp_path, database)
    chat = Receiver()
    with PriceExchange(free_port()) as exchange:
        own = {name: value for name, value in services.env.items() if name.startswith(("TICKWIRE_PUSH", "CURL", "TICKWIRE_WEBHOOKS"))}
        own |= {"DATABASE_URL": database, "TICKWIRE_DELIVER_SHOWN_GRACE": "5000"}
        service = start("up", "--feeds", "sim", "--feed-url", f"sim={exchange.url}", "--symbols", "BTC-USD", **own)
        wait_until(exchange.subscribed, what="the feed's subscription")
        for arguments in (("--fcm", "phone"), ("--ntfy", f"{chat.url.removesuffix('/hook')}/prices")):
            tickwire("devices", "add", "ann", *arguments, env=service.env, check=True)
        tickwire("users", "create", "ann", env=service.env, check=True)
        scopes = ("--scope", "alerts", "--scope", "channels:private-alerts-*")
        token = json.loads(tickwire("tokens", "create", "ann", *scopes, "--json", env=service.env, check=True).stdout)["token"]
        yield service, exchange, services, chat, token
    services.stop()


def states(database):
    return dict(rows(database, "SELECT service, state FROM deliveries"))


@contextlib.contextmanager
def listen(service, token):
    """A connection that hears of ann's alerts."""
    url = f"ws://127.0.0.1:{service.port}/app/{service.env['TICKWIRE_APP_KEY']}?protocol=7"
    with websockets.sync.client.connect(url) as socket:
        socket_id = json.loads(json.loads(socket.recv(5))["data"])["socket_id"]
        channel = "private-alerts-ann"
        status, answer = call(service, "POST", "/pusher/auth", token, {"socket_id": socket_id, "channel_name": channel})
        assert status == 200, answer
        socket.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": channel, "auth": answer["auth"]}}))
        assert "subscription_succeeded" in socket.recv(5)
        yield socket


def test_what_a_page_has_shown_is_not_pushed_but_chats_get_it(rig, database):
    service, exchange, services, chat, token = rig
    with listen(service, token) as socket:
        wait_until(lambda: rows(database, "SELECT user_id FROM alert_listeners WHERE until > now()") == [("ann",)])
        cross(service, exchange)
        event = json.loads(json.loads(socket.recv(10))["data"])["id"]
        status, answer = call(service, "POST", f"/v1/alerts/events/{event}/shown", token, {})
        assert status == 200 and answer["suppressed"] in (0, 1)
        wait_until(lambda: states(database) == {"fcm": "suppressed", "ntfy": "done"}, what="the end of both")
        assert chat.requests and services.web.fcm == []
        why = rows(database, "SELECT last_error FROM deliveries WHERE service = 'fcm'")
        assert why == [("shown on the user's own connection",)]
        # Once more changes nothing; another's event, or none, is not found.
        assert call(service, "POST", f"/v1/alerts/events/{event}/shown", token, {}) == (200, {"suppressed": 0})
        tickwire("alerts", "add", "BTC-USD", "above 1", "--user", "bob", env=service.env, check=True)
        for other in ("alert-2-1", "alert-99-1", "alert-1", "nonsense"):
            assert call(service, "POST", f"/v1/alerts/events/{other}/shown", token, {})[0] == 404, other
        assert call(service, "POST", f"/v1/alerts/events/{event}/shown", "tw_nonsense", {})[0] == 401
        if answer["suppressed"]:
            assert "tickwire_deliveries_suppressed_total 1" in service.get("/metrics")
    wait_until(lambda: rows(database, "SELECT count(*) FROM alert_listeners") == [(0,)], what="the end of the listener")


def test_a_page_that_shows_nothing_delays_the_push_and_no_page_does_not(rig, database):
    service, exchange, services, chat, token = rig
    cross(service, exchange)
    wait_until(lambda: services.web.fcm, 4, "the push at once")
    with listen(service, token):
        wait_until(lambda: rows(database, "SELECT count(*) FROM alert_listeners") == [(1,)])
        exchange.trade("BTC-USD", "69990")
        exchange.trade("BTC-USD", "70001")
        wait_until(lambda: len(chat.requests) == 2, what="the chat")
        assert len(services.web.fcm) == 1
        late = "SELECT extract(epoch FROM next_at - created_at) FROM deliveries WHERE service = 'fcm' AND state = 'ready'"
        assert 3 < rows(database, late)[0][0] <= 5
        wait_until(lambda: len(services.web.fcm) == 2, what="the push after the grace")
