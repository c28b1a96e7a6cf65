"""One HTTP(S) server for everything that is not APNs: Google's tokens and FCM, push services of browsers, chats, webhooks."""
import base64
import http.server
import json
import re
import ssl
import threading
import time
import urllib.parse

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


FCM_ERRORS = {
    "UNREGISTERED": (404, "NOT_FOUND"), "SENDER_ID_MISMATCH": (403, "PERMISSION_DENIED"),
    "INVALID_ARGUMENT": (400, "INVALID_ARGUMENT"), "QUOTA_EXCEEDED": (429, "RESOURCE_EXHAUSTED"),
    "UNAVAILABLE": (503, "UNAVAILABLE"), "INTERNAL": (500, "INTERNAL"), "THIRD_PARTY_AUTH_ERROR": (401, "UNAUTHENTICATED"),
}


class Web:
    """`script` maps the last part of a path, or an FCM token, to a list of statuses or FCM error names to give first."""

    def __init__(self, public_key=None, certificate=None, key=None, project="demo-project"):
        self.public_key, self.project = public_key, project
        self.requests, self.script, self.delays = [], {}, {}
        self.fcm, self.grants = [], 0
        self.access_tokens = set()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                owner.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                status, headers, answer = owner.answer(self.path, self.headers, body)
                data = json.dumps(answer).encode() if answer is not None else b""
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            scheme = "https"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"{scheme}://localhost:{self.server.server_port}"

    def stop(self):
        self.server.shutdown()

    def to(self, end):
        """The requests whose path ends with `end`."""
        return [request for request in self.requests if request[0].endswith(end)]

    def answer(self, path, headers, body):
        time.sleep(self.delays.get(path.split("?")[0].rsplit("/", 1)[-1], 0))
        if path == "/token":
            return self.grant(body)
        if re.fullmatch(rf"/v1/projects/{self.project}/messages:send", path):
            return self.send(headers, json.loads(body))
        steps = self.script.get(path.split("?")[0].rsplit("/", 1)[-1])
        status = steps.pop(0) if steps else 201 if "/wp/" in path else 200
        extra = {"Retry-After": "1"} if status in (429, 503) else {}
        return status, extra, {"ok": status < 300, "id": "1", "publishId": "pubid-1", "result": {"message_id": 5}}

    def grant(self, body):
        form = dict(urllib.parse.parse_qsl(body.decode()))
        head, claims, signature = form["assertion"].split(".")
        try:
            assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
            self.public_key.verify(unbase64(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
            payload = json.loads(unbase64(claims))
            assert payload["scope"] == "https://www.googleapis.com/auth/firebase.messaging"
            assert payload["exp"] - payload["iat"] <= 3600 and abs(payload["iat"] - time.time()) < 60
        except Exception as error:
            return 400, {}, {"error": "invalid_grant", "error_description": str(error)}
        self.grants += 1
        token = f"ya29.{self.grants}"
        self.access_tokens.add(token)
        return 200, {}, {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}

    def send(self, headers, document):
        if headers.get("authorization", "").removeprefix("Bearer ") not in self.access_tokens:
            return 401, {}, {"error": {"code": 401, "status": "UNAUTHENTICATED", "message": "no"}}
        message = document["message"]
        token = message["token"]
        assert all(isinstance(value, str) for value in message.get("data", {}).values())
        steps = self.script.get(token)
        if steps:
            name = steps.pop(0)
            status, code = FCM_ERRORS[name]
            extra = {"Retry-After": "1"} if status in (429, 503) else {}
            return status, extra, {"error": {"code": status, "status": code, "message": name, "details": [
                {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": name}]}}
        self.fcm.append((token, message))
        return 200, {}, {"name": f"projects/{self.project}/messages/{len(self.fcm)}"}
