"""A real Chromium, driven through the DevTools protocol."""
import base64
import contextlib
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request

from websockets.sync.client import connect

from conftest import free_port, wait_until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Connection:
    """A DevTools session: calls, and the events between them."""

    def __init__(self, url):
        self.context = contextlib.ExitStack()
        self.socket = self.context.enter_context(connect(url, max_size=None))
        self.number = 0
        self.events = []

    def call(self, method, **parameters):
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv(30))
            if message.get("id") == self.number:
                if "error" in message:
                    raise AssertionError(f"{method}: {message['error']}")
                return message["result"]
            if "method" in message:
                self.events.append(message)

    def evaluate(self, expression):
        """The value of a JavaScript expression; a promise is awaited."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_for(self, expression, timeout=20):
        return wait_until(lambda: self.evaluate(expression), timeout, expression)

    def close(self):
        self.context.close()


class Page(Connection):
    """One tab."""

    def open(self, url):
        for domain in ("Page", "Runtime", "Log", "Network", "ServiceWorker"):
            self.call(f"{domain}.enable")
        self.call("Page.navigate", url=url)

    def register_worker(self, script):
        """Registers the page's service worker and gives its id, once it is ready."""
        self.evaluate(f"navigator.serviceWorker.register('{script}').then(() => navigator.serviceWorker.ready).then(() => true)")
        return wait_until(
            lambda: next(
                (entry["registrationId"] for event in self.events if event["method"] == "ServiceWorker.workerRegistrationUpdated"
                 for entry in event["params"]["registrations"]), self.evaluate("undefined")),
            what="the worker's registration")

    def problems(self):
        """What a developer would see in red in the console."""
        self.evaluate("1")
        found = []
        for event in self.events:
            if event["method"] == "Runtime.exceptionThrown":
                found.append(event["params"]["exceptionDetails"].get("exception", {}).get("description", "an exception"))
            if event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
                found.append(event["params"]["entry"]["text"])
        return found

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


class Browser:
    """Starts Chromium with an empty profile; a context manager."""

    def __init__(self, is_headless=True):
        self.window = ["--headless=new"] if is_headless else ["--test-type"]  # no warning about the sandbox in the picture

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.port = free_port()
        self.process = subprocess.Popen(
            [CHROMIUM, *self.window, "--no-sandbox", "--disable-gpu", "--no-first-run", f"--remote-debugging-port={self.port}",
             f"--user-data-dir={self.folder.name}", "--window-size=1400,900", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        self.targets = wait_until(self.list_targets, 60, "Chromium")
        version = json.load(urllib.request.urlopen(f"http://127.0.0.1:{self.port}/json/version", timeout=5))
        self.control = Connection(version["webSocketDebuggerUrl"])
        return self

    def list_targets(self):
        try:
            targets = json.load(urllib.request.urlopen(f"http://127.0.0.1:{self.port}/json", timeout=5))
        except OSError:
            return None
        return [target for target in targets if target["type"] == "page"] or None

    def page(self):
        """The first tab."""
        return Page(self.targets[0]["webSocketDebuggerUrl"])

    def __exit__(self, *_):
        self.control.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        time.sleep(0.1)
        self.folder.cleanup()
