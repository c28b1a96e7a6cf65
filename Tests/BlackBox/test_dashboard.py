"""The page at `/`: its files over HTTP, and the page itself in a real browser."""
import json
import re
import urllib.error
import urllib.request

import pytest

from browser import CHROMIUM, Browser
from conftest import free_port, wait_until
from exchanges import PriceExchange

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt install chromium")


@pytest.fixture
def market(start, database):
    with PriceExchange(free_port()) as exchange:
        service = start(
            "up", "--feeds", "sim", "--feed-url", f"sim={exchange.url}", "--symbols", "BTC-USD,AAPL", DATABASE_URL=database,
        )
        wait_until(exchange.subscribed, what="the feed's subscription")
        yield service, exchange


def fetch(service, path, method="GET", **headers):
    request = urllib.request.Request(f"http://127.0.0.1:{service.port}{path}", method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


def test_the_page_is_whole_and_asks_nobody_else(market):
    service, _ = market
    status, headers, page = fetch(service, "/")
    assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    names = set(re.findall(r'(?:src|href)="([^"]+)"', page))
    seen = set()
    while names - seen:
        name = (names - seen).pop()
        seen.add(name)
        status, headers, text = fetch(service, f"/{name}")
        assert status == 200, name
        assert not re.search(r'(?:src|href|from|import)\s*[=(]?\s*["\'](?:https?:)?//', text), f"{name} loads from elsewhere"
        if name.endswith(".js"):
            names |= {match.removeprefix("./") for match in re.findall(r"from '(\./[^']+)'", text)}
    assert {"app.js", "style.css", "channels.js"} <= seen
    settings = json.loads(fetch(service, "/dashboard.json")[2])
    assert settings["appKey"] == "278d425bdf160c739803"
    assert "7ad3773142a6692b25b8" not in json.dumps(settings)


def test_a_file_that_has_not_changed_is_not_sent_again(market):
    service, _ = market
    _, headers, _ = fetch(service, "/app.js")
    status, again, body = fetch(service, "/app.js", **{"If-None-Match": headers["ETag"]})
    assert (status, body, again["ETag"]) == (304, "", headers["ETag"])
    status, _, body = fetch(service, "/app.js", "HEAD")
    assert (status, body) == (200, "")


def test_candles_over_http(market):
    service, exchange = market
    for price in ("100", "104", "98.5", "101"):
        exchange.trade("BTC-USD", price)
    wait_until(
        lambda: '"trades":4' in fetch(service, "/v1/candles/BTC-USD?interval=1d")[2], what="a candle of four trades")
    candle = json.loads(fetch(service, "/v1/candles/BTC-USD@sim?interval=1d&limit=1")[2])["candles"][0]
    assert (candle["open"], candle["high"], candle["low"], candle["close"]) == ("100", "104", "98.5", "101")
    for query, status, text in (
        ("BTC-USD?interval=7x", 400, "interval is '7x'"), ("BTC-USD?limit=0", 400, "limit is '0'"),
        ("BTC-USD?limit=5001", 400, "limit is '5001'"), ("BTC-USD?since=yesterday", 400, "since is 'yesterday'"),
        ("NO-SUCH", 404, "NO-SUCH"), ("bad%20name", 404, "bad name"),
    ):
        answer = fetch(service, f"/v1/candles/{query}")
        assert answer[0] == status and text in json.loads(answer[2])["error"], answer


@needs_browser
def test_a_browser_shows_prices_as_they_come(market, tmp_path):
    service, exchange = market
    exchange.trade("BTC-USD", "64000")
    with Browser() as browser:
        page = browser.page()
        page.open(f"http://127.0.0.1:{service.port}/")
        row = "document.querySelector('tr[data-symbol=\"BTC-USD\"]')"
        page.wait_for(f"{row}?.children[1].textContent === '64,000'")
        exchange.trade("BTC-USD", "64001.5")
        page.wait_for(f"{row}.children[1].textContent === '64,001.5'")
        page.evaluate(f"{row}.click()")
        page.wait_for("document.getElementById('detail-price').textContent === '64,001.5'")
        exchange.trade("BTC-USD", "64002.25")
        page.wait_for("document.getElementById('detail-price').textContent === '64,002.25'")
        page.wait_for("document.querySelector('#trades li')?.textContent.includes('64,002.25')")
        assert page.evaluate("document.title").startswith("64,002.25")
        assert page.problems() == []

        # The page finds its way back when the server is gone for a moment.
        service.process.kill()
        service.process.wait()
        page.wait_for("document.getElementById('connection').textContent !== 'connected'")


@needs_browser
def test_the_service_worker_shows_what_is_pushed(market, tmp_path):
    service, _ = market
    origin = f"http://127.0.0.1:{service.port}"
    with Browser() as browser:
        browser.control.call("Browser.grantPermissions", origin=origin, permissions=["notifications"])
        page = browser.page()
        page.open(f"{origin}/")
        registration = page.register_worker("service-worker.js")
        shown = "navigator.serviceWorker.ready.then(r => r.getNotifications()).then(all => all.map(n => [n.title, n.body, n.tag]))"
        for message, expected in (
            ({"notification": {"title": "BTC-USD crossed above 70000", "body": "70000.01 on coinbase", "tag": "alert-3",
                               "navigate": "/?symbol=BTC-USD"}}, ["BTC-USD crossed above 70000", "70000.01 on coinbase", "alert-3"]),
            ({"title": "AAPL is below 180", "body": "179.5", "tag": "alert-4"}, ["AAPL is below 180", "179.5", "alert-4"]),
            ("not JSON", ["Tickwire", "not JSON", ""]),
        ):
            data = message if isinstance(message, str) else json.dumps(message)
            page.call("ServiceWorker.deliverPushMessage", origin=origin, registrationId=registration, data=data)
            page.wait_for(f"{shown}.then(all => all.some(n => n.join() === {json.dumps(','.join(expected))}))")
        # The newest of an alert replaces the one before it.
        data = json.dumps({"notification": {"title": "BTC-USD again", "body": "71000", "tag": "alert-3"}})
        page.call("ServiceWorker.deliverPushMessage", origin=origin, registrationId=registration, data=data)
        page.wait_for(f"{shown}.then(all => all.some(n => n[0] === 'BTC-USD again'))")
        assert [entry[0] for entry in page.evaluate(shown) if entry[2] == "alert-3"] == ["BTC-USD again"]
        page.screenshot(tmp_path / "page.png")
        assert (tmp_path / "page.png").stat().st_size > 10_000
        assert page.problems() == []
