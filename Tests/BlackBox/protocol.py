"""What the tests of the protocol share: a raw client that signs for itself, and one running gateway per file."""
import hashlib
import json
import time
import urllib.error
import urllib.parse
import urllib.request

import pusher
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from conftest import APP, Service, environment, free_port, sign

KEY, SECRET, APP_ID = APP["TICKWIRE_APP_KEY"], APP["TICKWIRE_APP_SECRET"], APP["TICKWIRE_APP_ID"]


def run_gateway(database, folder, **extra):
    """A gateway with client events and counts on; a generator, for a fixture of a module."""
    port = free_port()
    settings = {"TICKWIRE_APP_CLIENT_EVENTS": "true", "TICKWIRE_APP_SUBSCRIPTION_COUNTS": "true", **extra}
    env = environment(
        TICKWIRE_DATA_DIR=folder / "data", TICKWIRE_LOG_LEVEL="debug", DATABASE_URL=database, **APP, **settings)
    service = Service(["gateway", "--port", port], env, port, folder / "gateway.log")
    try:
        yield service.wait_ready()
    finally:
        service.stop()


def library(port, **options):
    return pusher.Pusher(app_id=APP_ID, key=KEY, secret=SECRET, host="127.0.0.1", port=port, ssl=False, **options)


def request(port, method, path, parameters=None, body="", key=KEY, secret=SECRET):
    """A signed request to the HTTP API: status and text."""
    query = {"auth_key": key, "auth_timestamp": str(int(time.time())), "auth_version": "1.0", **(parameters or {})}
    if body:
        query["body_md5"] = hashlib.md5(body.encode()).hexdigest()
    path = f"/apps/{APP_ID}{path}"
    text = "&".join(f"{name}={value}" for name, value in sorted(query.items()))
    query["auth_signature"] = sign(f"{method}\n{path}\n{text}", secret)
    url = f"http://127.0.0.1:{port}{path}?{urllib.parse.urlencode(query)}"
    call = urllib.request.Request(url, data=body.encode() if method == "POST" else None, method=method)
    try:
        with urllib.request.urlopen(call, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def get(port, path, **parameters):
    status, text = request(port, "GET", path, parameters)
    assert status == 200, text
    return json.loads(text)


class Client:
    """One connection that takes frames as they come; numbers of subscribers only when asked for."""

    def __init__(self, port, query="protocol=7&client=test&version=1.0", key=KEY, counts=False, **options):
        self.counts = counts
        # Without a limit of what waits unread: closing would wait for the reader otherwise.
        self.socket = connect(f"ws://127.0.0.1:{port}/app/{key}?{query}", max_queue=None, legacy=True, **options)
        greeting = self.next()
        assert greeting["event"] == "pusher:connection_established"
        self.id = json.loads(greeting["data"])["socket_id"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def say(self, event, data=None, **members):
        frame = {"event": event, **members}
        if data is not None:
            frame["data"] = data
        self.socket.send(json.dumps(frame))

    def next(self, timeout=10):
        while True:
            frame = json.loads(self.socket.recv(timeout))
            if self.counts or frame["event"] != "pusher_internal:subscription_count":
                return frame

    def until(self, event, timeout=10):
        """The frames up to and with the first one of this event."""
        frames = [self.next(timeout)]
        while frames[-1]["event"] != event:
            frames.append(self.next(timeout))
        return frames

    def all(self):
        """Everything the server has sent: what came before the answer to a ping."""
        self.say("pusher:ping", {})
        return self.until("pusher:pong")[:-1]

    def ask(self, channel, user=None, info=None, auth=None, channel_data=None, key=KEY, secret=SECRET):
        """Sends a subscription, signed when the channel needs it."""
        data = {"channel": channel}
        if user is not None:
            channel_data = json.dumps({"user_id": user} if info is None else {"user_id": user, "user_info": info})
        text = f"{self.id}:{channel}"
        if channel_data is not None:
            data["channel_data"] = channel_data
            text += ":" + channel_data
        if auth is not None:
            data["auth"] = auth
        elif channel.startswith(("private-", "presence-")):
            data["auth"] = f"{key}:{sign(text, secret)}"
        self.say("pusher:subscribe", data)

    def subscribe(self, channel, *arguments, **options):
        """Subscribes and returns the data of the success, decoded."""
        self.ask(channel, *arguments, **options)
        frame = self.until("pusher_internal:subscription_succeeded")[-1]
        assert frame["channel"] == channel and isinstance(frame["data"], str), frame
        return json.loads(frame["data"])

    def refused(self, channel, *arguments, **options):
        """Subscribes in vain; returns the message."""
        self.ask(channel, *arguments, **options)
        error, other = self.next(), self.next()
        assert error["event"] == "pusher:error" and error["data"]["code"] is None, error
        assert other["event"] == "pusher:subscription_error" and other["channel"] == channel, other
        assert json.loads(other["data"])["status"] == 401
        return error["data"]["message"]

    def unsubscribe(self, channel):
        self.say("pusher:unsubscribe", {"channel": channel})

    def sign_in(self, user_data, auth=None):
        data = json.dumps(user_data)
        self.say("pusher:signin", {"auth": auth or f"{KEY}:{sign(f'{self.id}::user::{data}')}", "user_data": data})
        return data

    def close_code(self, timeout=10):
        """Waits for the end; returns the code."""
        try:
            while True:
                self.socket.recv(timeout)
        except ConnectionClosed:
            return self.socket.close_code
