"""A picture of a notification as a desktop draws it: the dashboard's own service worker, a real Chromium, a notification daemon.

    .venv/bin/python Tests/BlackBox/notification_picture.py notification.png

Not one of the tests: it takes Debian's chromium, xvfb, dunst, dbus and imagemagick. The push message is handed to the worker through the
DevTools protocol, since no push service can be reached without the internet.
"""
import contextlib
import functools
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading

from browser import Browser
from conftest import wait_until

FILES = pathlib.Path(__file__).resolve().parents[2] / "Sources" / "Dashboard" / "Files"
MESSAGE = {"notification": {"title": "BTC-USD crossed above 70000", "body": "70000.01 on coinbase, +0.52 % since the close",
                            "tag": "alert-3", "navigate": "/?symbol=BTC-USD"}}


class Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextlib.contextmanager
def running(*command, **options):
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


def displayed():
    answer = subprocess.run(["dunstctl", "count", "displayed"], capture_output=True, text=True)
    return answer.returncode == 0 and answer.stdout.strip() not in ("", "0")


def main(picture):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=FILES))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{server.server_port}"
    with contextlib.ExitStack() as stack:
        screen = stack.enter_context(running(
            "Xvfb", "-displayfd", "1", "-screen", "0", "1420x920x24", "-nolisten", "tcp", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True))
        os.environ["DISPLAY"] = f":{screen.stdout.readline().strip()}"
        stack.enter_context(running("dunst", stderr=subprocess.DEVNULL))
        wait_until(lambda: subprocess.run(["dunstctl", "count"], capture_output=True).returncode == 0, 20, "the notification daemon")
        browser = stack.enter_context(Browser(is_headless=False))
        browser.control.call("Browser.grantPermissions", origin=origin, permissions=["notifications"])
        page = browser.page()
        page.open(f"{origin}/index.html")
        registration = page.register_worker("service-worker.js")
        page.call("ServiceWorker.deliverPushMessage", origin=origin, registrationId=registration, data=json.dumps(MESSAGE))
        wait_until(displayed, 30, "the notification on the screen")
        subprocess.run(["import", "-window", "root", picture], check=True)
    print(f"{picture}: {os.path.getsize(picture)} bytes")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    missing = [name for name in ("chromium", "Xvfb", "dunst", "dunstctl", "dbus-run-session", "import") if not shutil.which(name)]
    if missing:
        sys.exit(f"{', '.join(missing)} missing. Debian: apt-get install chromium xvfb dunst dbus imagemagick")
    if not os.environ.get("TICKWIRE_PICTURE_BUS"):
        # Notifications travel over a session bus of their own.
        os.execvpe("dbus-run-session", ["dbus-run-session", "--", sys.executable, *sys.argv], {**os.environ, "TICKWIRE_PICTURE_BUS": "1"})
    main(sys.argv[1])
