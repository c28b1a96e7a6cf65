"""An alert's own text, locale and priority, from the command line to the webhook."""
import json

import jsonschema

from conftest import environment, free_port, tickwire, wait_until
from exchanges import PriceExchange
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
