"""A database with prices and alerts, for tests of what users see of alerts."""
import psycopg

from conftest import tickwire

PRICES = {"BTC-USD": "69500", "AAPL": "185.5", "ETH-USD": "3000"}
ALERTS = [
    ("me", "BTC-USD", "crosses above 70000"),
    ("me", "AAPL", "below 180 once"),
    ("ann", "BTC-USD", "moves 5% in 10m rearm 2% cooldown 1h"),
    ("ann", "ETH-USD", "enters 3100..3200"),
]


def prepare(database, **env):
    """Brings the schema up to date and stores a last price of each symbol."""
    tickwire("migrate", check=True, DATABASE_URL=database, **env)
    with psycopg.connect(database) as connection:
        venue = connection.execute("INSERT INTO venues (name) VALUES ('sim') RETURNING id").fetchone()[0]
        for name, price in PRICES.items():
            asset = "crypto" if "-" in name else "stock"
            symbol = connection.execute("INSERT INTO symbols (name, asset) VALUES (%s, %s) RETURNING id", (name, asset)).fetchone()[0]
            connection.execute(
                "INSERT INTO last_ticks (event_time, received_time, sequence, symbol_id, venue_id, side, last_price, bid, ask, reference)"
                " VALUES (now(), now(), 1, %s, %s, 'b', %s, %s::numeric - 1, %s::numeric + 1, %s::numeric * 0.98)",
                (symbol, venue, price, price, price, price),
            )


def reset(database):
    """Leaves the alerts 1 to 4 and nothing else."""
    with psycopg.connect(database) as connection:
        connection.execute("TRUNCATE alerts, alert_events, deliveries RESTART IDENTITY CASCADE")
        for user, symbol, expression in ALERTS:
            connection.execute(
                "INSERT INTO alerts (owner, symbol_id, expression) VALUES (%s, (SELECT id FROM symbols WHERE name = %s), %s)",
                (user, symbol, expression),
            )
