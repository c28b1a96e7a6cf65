"""Live prices on lock screens: broadcast channels and activities, against APNs' rules for both."""
import json
import time

import psycopg
import pytest

from conftest import free_port, rows, tickwire, wait_until
from exchanges import PriceExchange
from push_rig import TOPIC, Services
from test_alert_push import call

CADENCE = 1
PATH = "/v1/live-activities/channel?symbol=BTC-USD"


class Market:
    """`tickwire up` on a mocked exchange and a mocked APNs; BTC-USD is traded."""

    def __init__(self, start, database, folder, **extra):
        self.start, self.database = start, database
        self.services = Services(folder, database, TICKWIRE_PUSH_LIVE_CADENCE=str(CADENCE), **extra)
        self.apns = self.services.apns
        self.exchange = PriceExchange(free_port())
        self.exchange.__enter__()
        self.price = 70000
        self.run()
        env = self.service.env
        tickwire("users", "create", "ann", env=env, check=True)
        answer = tickwire("tokens", "create", "ann", "--scope", "alerts", "--json", env=env, check=True)
        self.token = json.loads(answer.stdout)["token"]

    def run(self):
        settings = {name: value for name, value in self.services.env.items() if name.startswith(("TICKWIRE_", "CURL_"))}
        settings.pop("TICKWIRE_DATA_DIR")
        self.service = self.start(
            "up", "--feeds", "sim", "--feed-url", f"sim={self.exchange.url}", "--symbols", "BTC-USD",
            DATABASE_URL=self.database, **settings)
        wait_until(self.exchange.subscribed, what="the feed's subscription")
        # From here on it is known that prices have two decimals.
        self.exchange.trade("BTC-USD", f"{self.price}.25")
        self.trade()

    def trade(self, move=1):
        self.price += move
        self.exchange.trade("BTC-USD", f"{self.price}.50")

    def trade_until(self, condition, what, timeout=15):
        """A price that moves all the time."""
        def step():
            self.trade()
            return condition()
        wait_until(step, timeout, what)

    def ask(self, path=PATH):
        wait_until(lambda: "BTC-USD" in self.service.get("/v1/symbols"), what="the symbol")
        return call(self.service, "GET", path, self.token)

    def register(self, **activity):
        body = {"liveActivity": {"topic": TOPIC, **activity}}
        return call(self.service, "POST", "/v1/devices", self.token, body)

    def stop(self):
        if self.service.process.poll() is None:
            self.service.stop()
        self.exchange.__exit__()
        self.services.stop()


@pytest.fixture
def market(start, database, tmp_path):
    started = []

    def run(symbols="*", **extra):
        started.append(Market(start, database, tmp_path, TICKWIRE_PUSH_LIVE_SYMBOLS=symbols, **extra))
        return started[-1]

    yield run
    for one in started:
        one.stop()


def aps(record):
    return json.loads(record.body)["aps"]


def to(apns, token):
    return [record for record in list(apns.accepted) if record.token == token]


def fire(market, above):
    tickwire("alerts", "add", "BTC-USD", f"crosses above {above}", "--user", "ann", env=market.service.env, check=True)
    wait_until(lambda: "tickwire_alerts_armed 1" in market.service.get("/metrics"), what="the alert at the evaluator")
    market.exchange.trade("BTC-USD", str(above - 10))
    fired = time.time()
    market.exchange.trade("BTC-USD", f"{above + 1}.50")
    market.price = above + 1
    return fired


def test_one_channel_a_symbol_is_broadcast_to_at_the_cadence_and_rings_at_a_crossing(market):
    market = market()
    apns = market.apns
    assert apns.created == []
    status, answer = market.ask()
    assert status == 200, answer
    channel = answer["channel"]
    assert answer == {"symbol": "BTC-USD", "channel": channel, "topic": TOPIC, "environment": "production"}
    assert market.ask()[1]["channel"] == channel and apns.created == [channel] and apns.channels == {channel: 0}

    market.trade_until(lambda: len(apns.broadcasts) >= 3, "three broadcasts")
    first = list(apns.broadcasts)
    for record in first:
        assert record.headers["apns-channel-id"] == channel and record.headers["apns-priority"] == "5"
        assert record.headers["apns-expiration"] == "0" and "alert" not in aps(record)
        # Rendered with as many decimals as the symbol has.
        assert aps(record)["content-state"]["p"].endswith(".50") and aps(record)["content-state"]["d"] is False
        assert abs(aps(record)["stale-date"] - record.time - 3 * CADENCE) < 2
    gaps = [after.time - before.time for before, after in zip(first, first[1:])]
    # A machine that is busy may see one late, and the next one in time.
    assert min(gaps) > CADENCE * 0.5 and sum(gaps) > len(gaps) * CADENCE * 0.8, gaps

    # What does not move is not told again.
    market.trade()
    wait_until(
        lambda: aps(apns.broadcasts[-1])["content-state"]["p"] == f"{market.price}.50", what="the last move")
    time_of_rest = time.time()
    count = len(apns.broadcasts)
    market.trade(0)
    market.trade(0)
    wait_until(lambda: time.time() > time_of_rest + 1.5 * CADENCE, what="more than a cadence")
    assert len(apns.broadcasts) == count

    # A crossing does not wait for the cadence, and has nothing of the user's in it.
    market.trade_until(lambda: len(apns.broadcasts) > count, "one more update")
    fired = fire(market, market.price + 1000)
    wait_until(lambda: "alert" in aps(apns.broadcasts[-1]), what="the crossing")
    ring = apns.broadcasts[-1]
    assert ring.headers["apns-priority"] == "10" and ring.time - fired < 2
    assert aps(ring)["content-state"]["p"] == f"{market.price}.50"
    assert aps(ring)["alert"]["title"] == f"BTC-USD {market.price}.50"

    # A restart finds the channel, and timestamps go on growing.
    market.service.stop()
    count = len(apns.broadcasts)
    market.run()
    assert market.ask()[1]["channel"] == channel
    market.trade_until(lambda: len(apns.broadcasts) > count, "a broadcast after the restart")
    stamps = [aps(record)["timestamp"] for record in apns.broadcasts]
    assert stamps == sorted(set(stamps))
    assert apns.created == [channel]
    metrics = market.service.get("/metrics")
    assert "tickwire_live_channels 1" in metrics and "tickwire_live_refused_total 0" in metrics


def test_a_channel_that_apple_lost_is_made_anew_and_the_oldest_gives_way(market):
    market = market("BTC-USD")
    apns = market.apns
    # What the settings list is made without being asked for.
    wait_until(lambda: apns.created, what="the channel")
    first = apns.created[0]
    market.trade_until(lambda: apns.broadcasts, "a broadcast")
    apns.channels.update({"b2xk": 0, "bmV3": 0})
    with psycopg.connect(market.database) as connection:
        connection.execute(
            """INSERT INTO live_channels (topic, environment, symbol, channel_id, wanted_at)
            VALUES (%s, 'production', 'OLD-USD', 'b2xk', now() - interval '2 days'),
                   (%s, 'production', 'NEW-USD', 'bmV3', now())""", (TOPIC, TOPIC))
    del apns.channels[first]
    apns.channels_max = 2
    market.trade_until(lambda: len(apns.created) > 1, "another channel")
    second = apns.created[1]
    market.trade_until(lambda: apns.broadcasts[-1].headers["apns-channel-id"] == second, "a broadcast to it")
    assert market.ask()[1]["channel"] == second
    assert set(apns.channels) == {second, "bmV3"}
    assert rows(market.database, "SELECT symbol FROM live_channels ORDER BY symbol") == [("BTC-USD",), ("NEW-USD",)]


def test_activities_with_tokens_of_their_own(market):
    market = market()
    apns = market.apns
    update, start, gone = "aa01", "bb02", "cc03"
    assert market.register(token=update, symbol="BTC-USD")[0] == 200
    assert market.register(token=start, symbols=["BTC-USD"], attributesType="PriceAttributes")[0] == 200
    apns.script[gone] = ["Unregistered!"]
    # Apple's timestamp in the mock is in the future: later than the registration.
    assert market.register(token=gone, symbol="BTC-USD")[0] == 200
    market.trade_until(lambda: to(apns, start) and to(apns, update), "pushes to both")

    begun = aps(to(apns, start)[0])
    assert begun["event"] == "start" and begun["attributes-type"] == "PriceAttributes"
    assert begun["attributes"] == {"symbol": "BTC-USD"} and begun["alert"]["title"] == "BTC-USD"
    # It listens to the symbol's channel, which was made for it.
    assert apns.channels == {begun["input-push-channel"]: 0}
    assert to(apns, start)[0].headers["apns-priority"] == "10"
    updated = to(apns, update)[0]
    assert updated.headers["apns-topic"] == TOPIC + ".push-type.liveactivity"
    assert updated.headers["apns-priority"] == "5" and "relevance-score" not in aps(updated)

    market.trade_until(
        lambda: not rows(market.database, "SELECT FROM devices WHERE token = %s" % repr(gone)), "the lost token's end")
    refused = [record for record in apns.refused if record.token == gone]
    assert refused[-1].status == 410

    count = len(to(apns, update))
    fired = fire(market, market.price + 1000)
    wait_until(lambda: "alert" in aps(to(apns, update)[-1]), what="the crossing on the activity")
    ring = to(apns, update)[-1]
    assert len(to(apns, update)) > count and ring.headers["apns-priority"] == "10" and ring.time - fired < 2
    assert "crossed above" in aps(ring)["alert"]["title"]
    # Nearer to the threshold than one percent: more than half relevant.
    market.trade_until(lambda: aps(to(apns, update)[-1]).get("relevance-score", 0) > 50, "a relevance")

    # Live activities get prices, not the alert's own notification; nothing waits in the outbox.
    assert rows(market.database, "SELECT count(*) FROM deliveries") == [(0,)]
    assert len(to(apns, start)) == 1
    # Eight hours later the system ends an activity: crypto's is begun anew, and the old one goes.
    with psycopg.connect(market.database) as connection:
        connection.execute(
            """UPDATE live_activities SET asked_at = now() - interval '8 hours' + interval '2 seconds',
                   started_at = started_at - interval '8 hours'""")
        connection.execute("NOTIFY tickwire_live")
    market.trade_until(lambda: len(to(apns, start)) == 2, "the next begin")
    market.trade_until(lambda: aps(to(apns, update)[-1])["event"] == "end", "the end of the old one")
    wait_until(lambda: not rows(market.database, "SELECT FROM devices WHERE token = 'aa01'"), what="its token's end")


def test_a_gateway_answers_apps_and_the_ingester_makes_the_channel(start, database, tmp_path):
    services = Services(tmp_path, database)
    push = {name: value for name, value in services.env.items() if name.startswith(("TICKWIRE_PUSH_APNS_", "CURL_"))}
    allow = {"TICKWIRE_WEBHOOKS_ALLOW_PRIVATE": "true", "TICKWIRE_PUSH_LIVE_SYMBOLS": "*"}
    gateway = start("gateway", DATABASE_URL=database, TICKWIRE_PUSH_APNS_TOPIC=TOPIC, **allow)
    with PriceExchange(free_port()) as exchange:
        ingest = start("ingest", "--feeds", "sim", "--feed-url", f"sim={exchange.url}", "--symbols", "BTC-USD",
                       DATABASE_URL=database, **allow, **push)
        wait_until(exchange.subscribed, what="the feed's subscription")
        exchange.trade("BTC-USD", "100")
        wait_until(lambda: "BTC-USD" in gateway.get("/v1/symbols"), what="the symbol at the gateway")
        tickwire("users", "create", "ann", env=gateway.env, check=True)
        made = tickwire("tokens", "create", "ann", "--scope", "alerts", "--json", env=gateway.env, check=True)
        status, answer = call(gateway, "GET", PATH + "&environment=sandbox", json.loads(made.stdout)["token"])
        assert status == 200 and answer["environment"] == "sandbox", answer
        assert services.sandbox.created == [answer["channel"]] and services.apns.created == []
        wait_until(lambda: services.sandbox.broadcasts, what="the first price")
        ingest.stop()
    services.stop()


def test_what_is_refused_says_why(market):
    market = market("BTC-USD")
    assert market.ask("/v1/live-activities/channel?symbol=ETH-USD")[0] == 404
    assert market.ask("/v1/live-activities/channel?symbol=no")[0] == 422
    assert market.ask(PATH + "&environment=moon")[0] == 422
    assert call(market.service, "GET", PATH, "tw_nonsense")[0] == 401
    for bad in (
        dict(token="aa", symbol="ETH-USD"), dict(token="aa"), dict(token="xyz", symbol="BTC-USD"),
        dict(token="aa", symbols=["BTC-USD", "BTC-USD"], attributesType="a b"),
        dict(token="aa", symbols=[], attributesType="A"), dict(token="aa", symbol="BTC-USD", environment="moon"),
    ):
        status, answer = market.register(**bad)
        assert status == 422 and answer["error"], (bad, answer)
    refused = tickwire(
        "ingest", "--feeds", "sim", DATABASE_URL=market.database, TICKWIRE_PUSH_LIVE_SYMBOLS="BTC-USD")
    assert refused.returncode == 78 and "push.apns.keyFile" in refused.stderr, refused.stderr
    short = tickwire("ingest", DATABASE_URL=market.database, TICKWIRE_PUSH_LIVE_CADENCE="0")
    assert short.returncode == 78 and "1 to 3600" in short.stderr
