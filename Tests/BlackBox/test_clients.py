"""Another client library than the other tests use, unmodified: asyncpusher, which keeps alive with control pings and obeys close codes."""
import asyncio
import json

from asyncpusher import Pusher

from conftest import APP, free_port, sign, wait_until
from exchanges import PriceExchange

KEY = APP["TICKWIRE_APP_KEY"]


class Listener:
    """Keeps what a channel gets, and lets a test wait for it."""

    def __init__(self, channel, *names):
        self.events = asyncio.Queue()
        for name in names:
            channel.bind(name, self._take, name)

    async def _take(self, data, name):
        await self.events.put((name, data))

    async def next(self, timeout=15):
        return await asyncio.wait_for(self.events.get(), timeout)


def user_authenticator(user):
    """What an application's own auth endpoint answers."""

    async def authenticate(question):
        text = f"{question['socket_id']}:{question['channel_name']}"
        if not question["channel_name"].startswith("presence-"):
            return {"auth": f"{KEY}:{sign(text)}"}
        data = json.dumps({"user_id": user})
        return {"auth": f"{KEY}:{sign(f'{text}:{data}')}", "channel_data": data}

    return authenticate


async def connected(port, user, key=KEY, **options):
    client = Pusher(key, secure=False, custom_host="127.0.0.1", custom_port=port, channel_authenticator=user_authenticator(user), **options)
    await asyncio.wait_for(client.connect(), 20)
    return client


def test_asyncpusher_gets_prices_talks_to_others_and_comes_back_after_a_restart(start, database):
    with PriceExchange(free_port()) as exchange:
        arguments = ("up", "--feeds", "sim", "--feed-url", f"sim={exchange.url}", "--symbols", "BTC-USD")
        service = start(*arguments, DATABASE_URL=database, TICKWIRE_APP_CLIENT_EVENTS="true")
        wait_until(exchange.subscribed, what="the feed's subscription")
        exchange.trade("BTC-USD", "100")
        wait_until(lambda: "tickwire_pipeline_ticks_total 1" in service.get("/metrics"), what="the trade")
        restarted = []

        def restart():
            service.stop()
            wait_until(lambda: not exchange.subscribed(), what="the end of the feed's connection")
            # On the same port, as a service manager does it.
            restarted.append(start(*arguments, "--port", service.port, wait=False, DATABASE_URL=database))
            restarted[0].port = service.port
            restarted[0].wait_ready()
            wait_until(exchange.subscribed, what="the feed's subscription")

        async def scenario():
            client, other = await connected(service.port, "ann", auto_sub=True), await connected(service.port, "bob")
            ticker = Listener(await client.subscribe("ticker-BTC-USD"), "snapshot", "tick")
            name, snapshot = await ticker.next()
            assert name == "snapshot" and snapshot["price"] == "100"
            for step in range(1, 6):
                exchange.trade("BTC-USD", 100 + step)
                name, tick = await ticker.next()
                assert name == "tick" and tick["price"] == str(100 + step) and tick["sequence"] == snapshot["sequence"] + step

            room = await client.subscribe("presence-room")
            members = Listener(room, "pusher_internal:subscription_succeeded", "pusher_internal:member_added", "client-hello")
            assert (await members.next())[1]["presence"]["ids"] == ["ann"]
            others = await other.subscribe("presence-room")
            joined = Listener(others, "pusher_internal:subscription_succeeded", "client-hello")
            assert set((await joined.next())[1]["presence"]["ids"]) == {"ann", "bob"}
            assert (await members.next())[1]["user_id"] == "bob"
            await room.trigger({"event": "client-hello", "data": {"text": "hi"}})
            assert await joined.next() == ("client-hello", {"text": "hi"})
            private = Listener(await other.subscribe("private-room"), "pusher_internal:subscription_succeeded")
            assert await private.next() == ("pusher_internal:subscription_succeeded", {})
            await other.disconnect()

            # 4200 brings the library back at once; it asks until somebody answers.
            await asyncio.to_thread(restart)
            name, snapshot = await ticker.next(60)
            assert name == "snapshot" and snapshot["price"] == "105"
            exchange.trade("BTC-USD", "106")
            name, tick = await ticker.next()
            assert name == "tick" and tick["price"] == "106"
            await client.disconnect()

        asyncio.run(scenario())


def test_asyncpusher_stops_where_coming_back_is_no_use(start, database):
    service = start("gateway", DATABASE_URL=database)

    async def scenario():
        # What the library waits for never comes: it has been told not to try again.
        client = Pusher("no-such-key", secure=False, custom_host="127.0.0.1", custom_port=service.port)
        connecting = asyncio.create_task(client.connect())
        async with asyncio.timeout(15):
            while not client.connection._stop:
                await asyncio.sleep(0.05)
        connecting.cancel()

    asyncio.run(scenario())
