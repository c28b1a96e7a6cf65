"""What leaves the Beams-compatible server: webhooks about publications, and alerts in the form that the SDK's worker shows."""
import hashlib
import hmac
import json
import re
import time
import urllib.request

import http_ece
import jwt
import pytest
import standardwebhooks

from conftest import free_port, rows, tickwire, wait_until
from exchanges import PriceExchange
from hooks import HookReceiver
from test_beams import INSTANCE, SECRET, Browser
from test_alert_push import cross

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture
def market(start, database, tmp_path):
    tickwire("push", "vapid", TICKWIRE_DATA_DIR=tmp_path / "data", check=True)
    with PriceExchange(free_port()) as exchange:
        def run(**extra):
            settings = {"TICKWIRE_WEBHOOKS_ALLOW_PRIVATE": "true", **extra}
            service = start(
                "up", "--feeds", "sim", "--feed-url", f"sim={exchange.url}", "--symbols", "BTC-USD", DATABASE_URL=database,
                TICKWIRE_BEAMS_INSTANCE=INSTANCE, TICKWIRE_BEAMS_SECRET_KEY=SECRET, TICKWIRE_PUSH_WEB_PUSH_HOSTS="*",
                TICKWIRE_PUSH_VAPID_SUBJECT="mailto:ops@example.com", **settings)
            service.base, service.trust = f"http://127.0.0.1:{service.port}", None
            return service
        yield run, exchange, database


def post(service, path, body, **headers):
    request = urllib.request.Request(
        service.base + path, method="POST", data=json.dumps(body).encode(), headers={"Content-Type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def publish(service, to, body):
    return post(service, f"/publish_api/v1/instances/{INSTANCE}/publishes/{to}", body, Authorization=f"Bearer {SECRET}")["publishId"]


def sign_in(service, user, endpoint):
    """A browser that has registered and signed its user in."""
    browser = Browser(service, endpoint=endpoint).register()
    claims = {"sub": user, "iss": f"https://{INSTANCE}.pushnotifications.pusher.com", "exp": int(time.time()) + 600}
    assert browser.device("PUT", "/user", {}, Authorization=f"Bearer {jwt.encode(claims, SECRET, 'HS256')}")[0] == 200
    return browser


def checked(request, secret, data):
    """The body of a webhook, after both signatures and the documented headers and envelope have been checked."""
    _, headers, body = request
    headers = {name.lower(): value for name, value in headers.items()}
    assert headers["webhook-signature"] == hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()
    assert UUID.fullmatch(headers["webhook-id-uuid"]) and UUID.fullmatch(headers["webhook-request-id-uuid"])
    standard = {f"webhook-{name}": headers[f"svix-{name}"] for name in ("id", "timestamp", "signature")}
    standardwebhooks.Webhook((data / "webhook-secret").read_text().strip()).verify(body.decode(), standard)
    event = json.loads(body)
    if "metadata" in event:
        assert set(event) == {"payload", "metadata", "custom_data"} and event["custom_data"] == {}
        assert headers["webhook-event-type"] == event["metadata"]["event_type"]
        assert event["metadata"]["product"] == "beams" and UUID.fullmatch(event["metadata"]["event_id"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000", event["metadata"]["created_at"])
        assert event["payload"]["instance_id"] == INSTANCE
    return event


def test_webhooks_tell_what_became_of_users_and_what_their_devices_report(market, tmp_path):
    run, _, database = market
    with HookReceiver() as hook, HookReceiver() as own, HookReceiver() as push, HookReceiver([410]) as gone:
        service = run(TICKWIRE_BEAMS_WEBHOOKS=hook.url, TICKWIRE_BEAMS_WEBHOOK_SECRET="of the webhooks")
        ann = sign_in(service, "ann", push.url)
        sign_in(service, "bob", gone.url)
        publish_id = publish(service, "users", {
            "users": ["ann", "bob", "eve"], "web": {"notification": {"title": "T"}}, "webhookUrl": own.url})
        wait_until(lambda: hook.requests and own.requests, what="the attempt's webhooks")
        events = [checked(receiver.requests[0], "of the webhooks", tmp_path / "data") for receiver in (hook, own)]
        for event in events:
            assert event["metadata"]["event_type"] == "v1.PublishToUsersAttempt"
            assert event["payload"] == {
                "instance_id": INSTANCE, "publish_id": publish_id, "users_delivered_to_gateway": ["ann"],
                "users_gateway_failed": ["bob"], "users_no_devices": ["eve"]}

        def report(event, device, user="somebody else"):
            post(service, f"/reporting_api/v2/instances/{INSTANCE}/events", {
                "event": event, "publishId": publish_id, "deviceId": device, "userId": user, "timestampSecs": 1, "appInBackground": True,
                "hasDisplayableContent": True, "hasData": False})
        for event in ("delivery", "delivery", "open"):
            report(event, ann.id)
        stranger = Browser(service, endpoint=f"{push.url}/stranger").register()
        report("open", stranger.id, "ann")
        report("open", "web-made-up", "ann")
        wait_until(lambda: len(hook.requests) == 3 and len(own.requests) == 3, what="the reports' webhooks")
        told = [checked(request, "of the webhooks", tmp_path / "data") for request in hook.requests[1:]]
        assert sorted(event["metadata"]["event_type"] for event in told) == ["v1.UserNotificationAcknowledgement", "v1.UserNotificationOpen"]
        # Whose device it is counts, not whose it says it is.
        assert all(event["payload"] == {"instance_id": INSTANCE, "publish_id": publish_id, "user_id": "ann"} for event in told)
        assert rows(database, "SELECT device, event, user_id FROM beams_reports ORDER BY event") == [(ann.id, "delivery", "ann"), (ann.id, "open", "ann")]
        ids = [{name.lower(): value for name, value in headers.items()} for _, headers, _ in hook.requests]
        assert len({entry["webhook-id-uuid"] for entry in ids}) == 1 and len({entry["webhook-request-id-uuid"] for entry in ids}) == 3
        # Nothing more comes: each publication is told once.
        assert rows(database, "SELECT count(*) FROM deliveries WHERE service = 'beamsWebhook'") == [(6,)]


def test_a_webhook_that_failed_is_sent_again_with_its_ids_after_a_kill(market, tmp_path):
    run, _, database = market
    with HookReceiver([500]) as hook:
        settings = {"TICKWIRE_BEAMS_WEBHOOKS": hook.url}
        service = run(**settings)
        publish(service, "users", {"users": ["eve"], "web": {"data": {}}})
        state = "SELECT state, round(extract(epoch FROM next_at - now())) BETWEEN 5 AND 10 FROM deliveries"
        wait_until(lambda: rows(database, state) == [("ready", True)], what="the first failure")
        service.process.kill()
        service.process.wait()
        rows(database, "UPDATE deliveries SET next_at = now() RETURNING id")
        run(**settings)
        wait_until(lambda: rows(database, "SELECT state FROM deliveries") == [("done",)], what="the second attempt")
        first, second = hook.requests
        assert first[2] == second[2] and checked(first, SECRET, tmp_path / "data") == checked(second, SECRET, tmp_path / "data")
        for name in ("Webhook-Request-ID-UUID", "Webhook-ID-UUID", "svix-id"):
            assert {k.lower(): v for k, v in first[1].items()}[name.lower()] == {k.lower(): v for k, v in second[1].items()}[name.lower()]


def test_a_publication_to_interests_tells_its_own_webhook_that_it_started_and_finished(market, tmp_path):
    run, _, _ = market
    with HookReceiver() as hook, HookReceiver() as own, HookReceiver() as push, HookReceiver([410]) as gone:
        service = run(TICKWIRE_BEAMS_WEBHOOKS=hook.url)
        for endpoint in (push.url, gone.url):
            Browser(service, endpoint=endpoint).register().device("POST", "/interests/news")
        request = {"interests": ["news"], "web": {"notification": {"title": "T"}}, "webhookUrl": own.url}
        publish_id = publish(service, "interests", request)
        wait_until(lambda: len(own.requests) == 2, what="both webhooks")
        started, finished = sorted((checked(entry, SECRET, tmp_path / "data") for entry in own.requests), key=lambda event: event["status"], reverse=True)
        assert started == {"publishId": publish_id, "status": "STARTED", "requestBody": request}
        assert finished == {"publishId": publish_id, "status": "FINISHED", "requestBody": request,
                            "results": {"web": {"numSuccessfulPublishes": 1, "numFailedPublishes": 1}}}
        assert hook.requests == []


def test_webhooks_do_not_go_to_private_addresses(market):
    run, _, database = market
    with HookReceiver() as own:
        service = run(TICKWIRE_WEBHOOKS_ALLOW_PRIVATE="false")
        publish(service, "interests", {"interests": ["news"], "web": {"data": {}}, "webhookUrl": own.url})
        wait_until(lambda: {state for state, in rows(database, "SELECT state FROM deliveries")} == {"dead"}, what="the refusal")
        wait_until(lambda: rows(database, "SELECT count(*) FROM deliveries") == [(2,)], what="both webhooks")
        assert "webhooks.allowPrivate" in rows(database, "SELECT last_error FROM deliveries WHERE state = 'dead'")[0][0]
        assert own.requests == []


def shown_by_the_stock_worker(text):
    """What the service worker of @pusher/push-notifications-web 2.1.0 shows of a message; `None` when it ignores it.

    It wants JSON with `notification` and `data.pusher` = {instanceId, publishId, hasDisplayableContent, hasData}, passes title, body and
    icon to showNotification, and opens `deep_link` on a click.
    """
    payload = json.loads(text)
    mark = payload.get("data", {}).get("pusher")
    if not mark or not isinstance(payload.get("notification"), dict):
        return None
    if mark.get("instanceId") != INSTANCE or not isinstance(mark.get("publishId"), str):
        return None
    if not all(isinstance(mark.get(name), bool) for name in ("hasDisplayableContent", "hasData")):
        return None
    notification = payload["notification"]
    data = {name: value for name, value in payload["data"].items() if name != "pusher"}
    return {"title": notification.get("title", ""), "body": notification.get("body", ""), "link": notification.get("deep_link"), "data": data}


def test_an_alert_reaches_a_browser_of_the_web_sdk_in_the_form_that_its_worker_shows(market):
    run, exchange, database = market
    with HookReceiver() as push, HookReceiver() as other:
        service = run()
        wait_until(exchange.subscribed, what="the feed's subscription")
        ann = sign_in(service, "ann", push.url)
        sign_in(service, "bob", other.url)
        cross(service, exchange)
        wait_until(lambda: push.requests, what="the push")
        _, _, body = push.requests[0]
        shown = shown_by_the_stock_worker(http_ece.decrypt(body, private_key=ann.key, auth_secret=ann.auth, version="aes128gcm"))
        assert shown and shown["title"] == "BTC-USD crossed above 70000" and "70001" in shown["body"] and shown["data"]["eid"]
        wait_until(lambda: rows(database, "SELECT state FROM deliveries") == [("done",)], what="the delivery's end")
        assert other.requests == []
        # The worker reports it, as it does every message.
        post(service, f"/reporting_api/v2/instances/{INSTANCE}/events", {
            "event": "delivery", "publishId": shown["data"]["eid"], "deviceId": ann.id, "userId": "ann", "timestampSecs": 1})
