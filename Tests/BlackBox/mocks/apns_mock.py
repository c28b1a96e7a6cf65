"""APNs on real HTTP/2 over TLS with Apple's rules: one stream until a valid token was seen, one again after a rejection,
GOAWAY for who exceeds that, ES256 provider tokens, topics, sizes, and errors scripted by device token.

Sources: Apple, "Sending notification requests to APNs" and "Handling notification responses from APNs"; what Apple does
about stream limits is from jchambers/pushy issues 356 and 732. Broadcast channels: Apple, "Sending channel management requests
to APNs" and "Sending broadcast push notification requests to APNs".
"""
import asyncio
import base64
import collections
import contextlib
import json
import os
import re
import ssl
import threading
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import hyperframe.frame
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

HOT_STREAMS = 1000
REASONS = {
    "BadDeviceToken": 400, "PayloadTooLarge": 413, "Unregistered": 410, "ExpiredToken": 410, "TooManyRequests": 429,
    "InternalServerError": 500, "ServiceUnavailable": 503, "ExpiredProviderToken": 403, "InvalidProviderToken": 403,
    "TooManyProviderTokenUpdates": 429, "UnrelatedKeyIdInToken": 403, "TopicDisallowed": 400, "BadCollapseId": 400,
    "MissingProviderToken": 403, "BadTopic": 400, "PayloadEmpty": 400, "BadMessageId": 400, "BadPriority": 400,
    "InvalidPushType": 400, "BadPath": 404, "MethodNotAllowed": 405, "DeviceTokenNotForTopic": 400,
    "MissingChannelId": 400, "BadChannelId": 400, "ChannelNotRegistered": 410, "CannotCreateChannelConfig": 400,
    "BadExpirationDate": 400, "MissingPushType": 400, "TopicMismatch": 400, "MissingTopic": 400,
}


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Accepted:
    """A notification that the service took or refused."""

    def __init__(self, token, headers, body, status, reason, environment):
        self.token, self.headers, self.body = token, headers, body
        self.status, self.reason, self.environment = status, reason, environment
        self.time = time.time()


class Server:
    """One environment of APNs.

    `script` maps a device token to the reasons it gets, one after another, before it is accepted: the names of REASONS,
    'silence', 'goaway', 'reset', 'close', or a name with '!' at its end, which is given every time.
    """

    def __init__(self, certificate, key, public_key, key_id="ABC123DEFG", team_id="DEF123GHIJ", topic="com.example.app",
                 environment="production", reply_delay=0.02):
        self.public_key, self.key_id, self.team_id, self.topic = public_key, key_id, team_id, topic
        self.environment, self.reply_delay = environment, reply_delay
        self.script = {}
        self.accepted, self.refused = [], []
        self.accepted_ids = collections.Counter()
        self.known_tokens = None
        self.channels = {}
        self.channels_max = 10_000
        self.created = []
        self.broadcasts = []
        self.connections = self.violations = self.goaways = 0
        self.streams_max = 0
        self.provider_tokens = set()
        self.verified = {}
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        context.set_alpn_protocols(["h2"])
        self.loop = asyncio.new_event_loop()
        started = threading.Event()

        def run():
            asyncio.set_event_loop(self.loop)
            self.server = self.loop.run_until_complete(
                self.loop.create_server(lambda: Connection(self), "127.0.0.1", 0, ssl=context, backlog=512))
            self.port = self.server.sockets[0].getsockname()[1]
            started.set()
            self.loop.run_forever()

        threading.Thread(target=run, daemon=True).start()
        started.wait(10)
        self.url = f"https://localhost:{self.port}"

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)

    def verdict(self, method, path, headers, body):
        """The reason for a refusal; None when it is taken."""
        if path.startswith(("/1/apps/", "/4/broadcasts/apps/")):
            return self.channel_verdict(method, path, headers, body)
        match = re.fullmatch(r"/3/device/([0-9a-f]+)", path)
        if not match:
            return "BadPath"
        if method != "POST":
            return "MethodNotAllowed"
        problem = self.check_provider_token(headers.get("authorization", ""))
        if problem:
            return problem
        token = match.group(1)
        if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", headers.get("apns-id", "0" * 8)):
            return "BadMessageId"
        if headers.get("apns-push-type") not in ("alert", "background", "liveactivity"):
            return "InvalidPushType"
        if headers.get("apns-priority", "10") not in ("1", "5", "10"):
            return "BadPriority"
        if headers.get("apns-push-type") == "background" and headers.get("apns-priority") != "5":
            return "BadPriority"
        if len(headers.get("apns-collapse-id", "").encode()) > 64:
            return "BadCollapseId"
        suffix = ".push-type.liveactivity" if headers.get("apns-push-type") == "liveactivity" else ""
        if headers.get("apns-topic") != self.topic + suffix:
            return "TopicDisallowed"
        if not body:
            return "PayloadEmpty"
        if len(body) > 4096:
            return "PayloadTooLarge"
        json.loads(body)["aps"]
        steps = self.script.get(token)
        if steps:
            return steps[0][:-1] if steps[0].endswith("!") else steps.pop(0)
        if self.known_tokens is not None and token not in self.known_tokens:
            return "BadDeviceToken"
        return None

    def channel_verdict(self, method, path, headers, body):
        """As `verdict`, for broadcasts and the management of channels."""
        parts = path.split("/")
        is_broadcast = parts[1] == "4"
        problem = self.check_provider_token(headers.get("authorization", ""))
        if problem:
            return problem
        if parts[4 if is_broadcast else 3] != self.topic:
            return "TopicMismatch"
        if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", headers.get("apns-request-id", "0" * 8)):
            return "BadMessageId"
        channel = headers.get("apns-channel-id")
        if is_broadcast or (parts[-1] == "channels" and method != "POST"):
            if channel is None:
                return "MissingChannelId"
            try:
                base64.b64decode(channel, validate=True)
            except ValueError:
                return "BadChannelId"
            if channel not in self.channels:
                return "ChannelNotRegistered"
        if not is_broadcast:
            if parts[-1] == "all-channels":
                return None if method == "GET" else "MethodNotAllowed"
            if parts[-1] != "channels" or len(parts) != 5:
                return "BadPath"
            if method == "POST":
                order = json.loads(body)
                if order.get("push-type") != "LiveActivity" or order.get("message-storage-policy") not in (0, 1):
                    return "InvalidPushType"
                if len(self.channels) >= self.channels_max:
                    return "CannotCreateChannelConfig"
            return None
        if method != "POST":
            return "MethodNotAllowed"
        if "apns-push-type" not in headers:
            return "MissingPushType"
        if headers["apns-push-type"] != "liveactivity":
            return "InvalidPushType"
        if headers.get("apns-priority") not in ("1", "5", "10"):
            return "BadPriority"
        if not re.fullmatch(r"\d+", headers.get("apns-expiration", "")):
            return "BadExpirationDate"
        if self.channels[channel] == 0 and headers["apns-expiration"] != "0":
            return "BadExpirationDate"
        if not body:
            return "PayloadEmpty"
        if len(body) > 5120:
            return "PayloadTooLarge"
        aps = json.loads(body)["aps"]
        assert aps["event"] in ("update", "end") and isinstance(aps["timestamp"], int) and "content-state" in aps
        return None

    def manage(self, method, path, headers, body):
        """What an accepted request to channels does: (status, further fields, body)."""
        if path.endswith("/all-channels"):
            return 200, [], json.dumps({"channels": list(self.channels)}).encode()
        channel = headers.get("apns-channel-id")
        if method == "POST":
            channel = base64.b64encode(os.urandom(16)).decode()
            self.channels[channel] = json.loads(body)["message-storage-policy"]
            self.created.append(channel)
            return 201, [("apns-channel-id", channel)], b""
        if method == "DELETE":
            del self.channels[channel]
            return 204, [], b""
        reply = {"message-storage-policy": self.channels[channel], "push-type": "LiveActivity"}
        return 200, [], json.dumps(reply).encode()

    def check_provider_token(self, value):
        if not value.startswith("bearer "):
            return "MissingProviderToken"
        token = value[7:]
        if token not in self.verified:
            self.verified[token] = self.verify(token)
            self.provider_tokens.add(token)
        problem, issued_at = self.verified[token]
        if problem:
            return problem
        # Apple allows an hour, and a little for clocks that go wrong.
        return None if -60 < time.time() - issued_at <= 3600 else "ExpiredProviderToken"

    def verify(self, token):
        try:
            head, claims, signature = token.split(".")
            header, payload, raw = json.loads(unbase64(head)), json.loads(unbase64(claims)), unbase64(signature)
            if header["alg"] != "ES256" or header["kid"] != self.key_id or payload["iss"] != self.team_id:
                return "InvalidProviderToken", 0
            assert len(raw) == 64 and isinstance(payload["iat"], int)
            der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
            self.public_key.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
            return None, payload["iat"]
        except Exception:
            return "InvalidProviderToken", 0


class Connection(asyncio.Protocol):
    def __init__(self, owner):
        self.owner = owner
        self.requests = {}
        self.open = set()
        self.limit = 1
        self.is_closing = False
        self.last_stream = None

    def connection_made(self, transport):
        self.transport = transport
        self.owner.connections += 1
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self.h2.local_settings = h2.settings.Settings(client=False, initial_values={
            h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 1})
        self.h2.initiate_connection()
        self.flush()

    def flush(self):
        data = self.h2.data_to_send()
        if data and not self.transport.is_closing():
            self.transport.write(data)

    def set_limit(self, limit):
        if limit != self.limit:
            self.limit = limit
            # The library holds the client to it from the acknowledgement on.
            self.h2.update_settings({h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: limit})

    def data_received(self, data):
        if self.is_closing:
            return
        try:
            events = self.h2.receive_data(data)
        except h2.exceptions.TooManyStreamsError:
            # The library has put its own GOAWAY into the way out.
            self.owner.violations += 1
            self.is_closing = True
            self.flush()
            self.transport.close()
            return
        except h2.exceptions.ProtocolError:
            self.transport.close()
            return
        for event in events:
            if isinstance(event, h2.events.RequestReceived):
                if self.last_stream is not None and event.stream_id > self.last_stream:
                    with contextlib.suppress(h2.exceptions.ProtocolError):
                        self.h2.reset_stream(event.stream_id, h2.errors.ErrorCodes.REFUSED_STREAM)
                    continue
                self.requests[event.stream_id] = (dict(event.headers), bytearray())
                self.open.add(event.stream_id)
                self.owner.streams_max = max(self.owner.streams_max, len(self.open))
            elif isinstance(event, h2.events.DataReceived) and event.stream_id in self.requests:
                self.requests[event.stream_id][1].extend(event.data)
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                self.owner.loop.call_later(self.owner.reply_delay, self.reply, event.stream_id)
            elif isinstance(event, h2.events.StreamReset):
                self.open.discard(event.stream_id)
                self.requests.pop(event.stream_id, None)
        self.flush()

    def go_away(self, body):
        """RFC 9113, section 6.8: what came before is answered, what comes after is refused, then the connection closes."""
        self.owner.goaways += 1
        self.last_stream = max(self.open, default=0)
        frame = hyperframe.frame.GoAwayFrame(
            0, last_stream_id=self.last_stream, error_code=0, additional_data=json.dumps(body).encode())
        self.flush()
        self.transport.write(frame.serialize())

    def close_if_drained(self):
        if self.last_stream is not None and not self.open:
            self.is_closing = True
            self.flush()
            self.transport.close()

    def reply(self, stream):
        if self.is_closing or stream not in self.requests:
            return
        headers, body = self.requests.pop(stream)
        path = headers[":path"]
        try:
            reason = self.owner.verdict(headers[":method"], path, headers, bytes(body))
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
        token = path.rsplit("/", 1)[-1]
        if reason == "silence":
            return
        if reason == "goaway":
            self.go_away({"reason": "Shutdown"})
            reason = "ServiceUnavailable"
        if reason == "close":
            self.is_closing = True
            return self.transport.abort()
        self.open.discard(stream)
        try:
            if reason == "reset":
                self.h2.reset_stream(stream, h2.errors.ErrorCodes.INTERNAL_ERROR)
            else:
                self.answer(stream, token, headers, bytes(body), reason)
        except h2.exceptions.ProtocolError:
            # The client has reset the stream meanwhile.
            pass
        self.flush()
        self.close_if_drained()

    def answer(self, stream, token, headers, body, reason):
        status = 200 if reason is None else REASONS.get(reason, 400)
        record = Accepted(token, headers, body, status, reason, self.owner.environment)
        fields = [(":status", str(status)), ("apns-id", headers.get("apns-id", ""))]
        path = headers[":path"]
        if reason is None and path.startswith("/1/apps/"):
            self.set_limit(HOT_STREAMS)
            status, more, reply = self.owner.manage(headers[":method"], path, headers, body)
            fields = [(":status", str(status)), ("apns-request-id", headers.get("apns-request-id", ""))] + more
            self.h2.send_headers(stream, fields, end_stream=not reply)
            if reply:
                self.h2.send_data(stream, reply, end_stream=True)
            return
        if reason is None and path.startswith("/4/"):
            self.owner.broadcasts.append(record)
            self.set_limit(HOT_STREAMS)
            fields = [(":status", "200"), ("apns-request-id", headers.get("apns-request-id", ""))]
            self.h2.send_headers(stream, fields, end_stream=True)
            return
        if reason is None:
            self.owner.accepted.append(record)
            self.owner.accepted_ids[headers.get("apns-id")] += 1
            self.set_limit(HOT_STREAMS)
            self.h2.send_headers(stream, fields, end_stream=True)
            return
        self.owner.refused.append(record)
        if status != 429 and status < 500:
            self.set_limit(1)
        reply = {"reason": reason}
        if status == 410:
            reply["timestamp"] = int((time.time() + 3600) * 1000)
        self.h2.send_headers(stream, fields)
        self.h2.send_data(stream, json.dumps(reply).encode(), end_stream=True)
