"""An alert's own text, locale and priority, from the command line to the webhook."""
import json

import jsonschema

from conftest import json_lines, rows, tickwire, wait_until
from test_alerts import Receiver, SCHEMAS, market  # noqa: F401


def test_a_template_is_filled_in_when_the_alert_fires(market):
    service, exchange, database = market
    receiver = Receiver()
    exchange.trade("BTC-USD", "69990.25")
    tickwire(
        "alerts", "add", "BTC-USD", "crosses above 70000 priority urgent", "--user", "ann", "--webhook", receiver.url,
        "--title", "{symbol} {direction} {threshold}", "--body", "{{{price}}} {previous} {change} {crossing} {user} {late}|",
        "--locale", "de-CH", env=service.env, check=True,
    )
    wait_until(lambda: "tickwire_alerts_armed 1" in service.get("/metrics"))
    exchange.trade("BTC-USD", "69991")
    exchange.trade("BTC-USD", "70690.5")
    wait_until(lambda: receiver.requests, what="the webhook")
    event = json.loads(receiver.requests[0][1])
    jsonschema.validate(event, json.loads((SCHEMAS / "webhook.json").read_text()))
    assert event["data"]["title"] == "BTC-USD above 70’000"
    assert event["data"]["body"] == "{70’690.5} 69’991.0 +1% 1 ann |"
    assert event["data"]["priority"] == "urgent" and event["data"]["kind"] == "crossing" and event["data"]["value"] == "70690.5"


def test_a_backtest_finds_what_fired(market):
    service, exchange, database = market
    for price in (69990, 70001, 69999, 70002, 70003):
        exchange.trade("BTC-USD", price)
    wait_until(lambda: rows(database, "SELECT count(*) FROM trades") == [(5,)])
    wait_until(lambda: rows(database, "SELECT last_price FROM last_ticks"), what="the last price, which says whose trades those are")
    arguments = ("alerts", "backtest", "BTC-USD", "crosses above 70000", "--since", "1h")
    result = tickwire(*arguments, env=service.env, check=True)
    assert "Would have fired 2 times." in result.stdout and "70001" in result.stdout and "5 ticks" in result.stderr
    *firings, summary = json_lines(tickwire(*arguments, "--json", env=service.env, check=True).stdout)
    assert [firing["price"] for firing in firings] == ["70001", "70002"] and firings[0]["previousPrice"] == "69990"
    assert summary["firings"] == 2 and summary["ticks"] == 5 and not summary["approximate"] and not summary["cutOff"]
    once = tickwire("alerts", "backtest", "BTC-USD", "crosses above 70000 once", "--since", "1h", "--limit", "0", env=service.env, check=True)
    assert once.stdout.startswith("Would have fired once.")
    assert "cooldown" in tickwire("alerts", "backtest", "BTC-USD", "crosses above 70000 cooldown 1h", "--since", "1h", env=service.env, check=True).stderr
    earlier = tickwire("alerts", "backtest", "BTC-USD", "above 1", "--since", "2h", "--until", "1h", env=service.env, check=True)
    assert earlier.stdout == "Would not have fired.\n" and "Nothing is stored of BTC-USD" in earlier.stderr
