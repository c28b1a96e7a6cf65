"""What the tests of delivery share: mocks of the services, settings that point to them, and rows for the outbox."""
import base64
import contextlib
import hashlib
import json
import pathlib
import subprocess
import tempfile
import time

import psycopg

from conftest import PROGRAM, ROOT, environment, rows, wait_until
from mocks import apns_mock, credentials, web_mock

KEY_ID, TEAM_ID, TOPIC = "ABC123DEFG", "DEF123GHIJ", "com.example.app"


class Services:
    """Mocks of APNs' two environments and of everything else, and the environment that points tickwire to them."""

    def __init__(self, folder, database, **extra):
        self.credentials = credentials.Credentials(folder)
        pair = (self.credentials.certificate, self.credentials.key)
        self.apns = apns_mock.Server(*pair, self.credentials.apns_public, KEY_ID, TEAM_ID, TOPIC)
        self.sandbox = apns_mock.Server(
            *pair, self.credentials.apns_public, KEY_ID, TEAM_ID, TOPIC, environment="sandbox")
        self.sandbox.known_tokens = set()
        self.web = web_mock.Web(self.credentials.fcm_public)
        self.database = database
        settings = dict(
            DATABASE_URL=database, TICKWIRE_DATA_DIR=folder / "data", CURL_CA_BUNDLE=self.credentials.certificate,
            TICKWIRE_WEBHOOKS_ALLOW_PRIVATE="true", TICKWIRE_PUSH_APNS_KEY_FILE=self.credentials.apns_file,
            TICKWIRE_PUSH_APNS_KEY_ID=KEY_ID, TICKWIRE_PUSH_APNS_TEAM_ID=TEAM_ID, TICKWIRE_PUSH_APNS_TOPIC=TOPIC,
            TICKWIRE_PUSH_APNS_URL=self.apns.url, TICKWIRE_PUSH_APNS_SANDBOX_URL=self.sandbox.url,
            TICKWIRE_PUSH_FCM_SERVICE_ACCOUNT_FILE=self.credentials.fcm_file, TICKWIRE_PUSH_FCM_URL=self.web.url,
            TICKWIRE_PUSH_FCM_TOKEN_URL=self.web.url + "/token", TICKWIRE_PUSH_TELEGRAM_URL=self.web.url,
            TICKWIRE_PUSH_VAPID_KEY_FILE=self.credentials.vapid_file,
            TICKWIRE_PUSH_VAPID_SUBJECT="mailto:ops@example.com", TICKWIRE_PUSH_WEB_PUSH_HOSTS="localhost",
            TICKWIRE_DELIVER_LEASE="8", TICKWIRE_DELIVER_TIMEOUT="2",
        )
        settings.update(extra)
        self.env = environment(**settings)

    def stop(self):
        for mock in (self.apns, self.sandbox, self.web):
            mock.stop()


class Worker:
    """A running `tickwire deliver`."""

    def __init__(self, env, log_path):
        self.log_path = pathlib.Path(log_path)
        self.log = open(log_path, "a")
        self.process = subprocess.Popen(
            [PROGRAM, "deliver"], env=env, cwd=ROOT, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the worker did not stop:\n{self.log_path.read_text()[-3000:]}")
        self.log.close()
        assert self.process.returncode == 0, self.log_path.read_text()[-3000:]


@contextlib.contextmanager
def worker(services, folder):
    running = Worker(services.env, folder / "deliver.log")
    try:
        yield running
    finally:
        running.stop()


def content(event, collapse="", seconds=900, body="The price crossed.", sparkline=()):
    now = int(time.time() * 1_000_000)
    document = {
        "eventID": event, "title": "BTC-USD", "body": body, "threadID": "BTC-USD", "collapseID": collapse,
        "priority": "active", "createdAt": now, "expiresAt": now + seconds * 1_000_000}
    if sparkline:
        document["sparkline"] = list(sparkline)
    return json.dumps(document)


def put_apns(database, tokens, event="event", environment="production", seconds=900, hours=0, **options):
    """A device for each token, and a delivery for each device, in one transaction; returns {token: delivery}."""
    lane = f"apns:{environment}:{TOPIC}"
    with psycopg.connect(database) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE TEMP TABLE given (token text, hash bytea, event text, payload text) ON COMMIT DROP")
        with cursor.copy("COPY given FROM STDIN") as copy:
            for token in tokens:
                name = f"{event}-{token[:20]}"
                copy.write_row((
                    token, hashlib.sha256(f"apns\n{token}".encode()).digest(), name,
                    content(name, seconds=seconds, **options)))
        cursor.execute(
            """INSERT INTO devices (user_id, service, token_hash, token, topic, environment, last_registered_at)
            SELECT 'ann', 'apns', hash, token, %s, %s, now() - %s * interval '1 hour' FROM given
            ON CONFLICT (token_hash) DO NOTHING""", (TOPIC, environment, hours))
        cursor.execute(
            """INSERT INTO deliveries (service, target, payload, format, lane, user_id, device_id, event_key, expires_at)
            SELECT 'apns', 'device:' || devices.id, payload, 'content', %s, 'ann', devices.id, event,
                   now() + %s * interval '1 second'
            FROM given JOIN devices USING (token) RETURNING id, device_id""", (lane, seconds))
        return cursor.rowcount


def states(database):
    return dict(rows(database, "SELECT state, count(*) FROM deliveries GROUP BY state"))


def by_token(database):
    """{token: (state, last_error, attempts, disabled, environment)}"""
    return {
        row[0]: row[1:] for row in rows(
            database,
            """SELECT token, state, last_error, attempt, disabled_at IS NOT NULL, environment
            FROM deliveries JOIN devices ON devices.id = device_id""")}


def wait_finished(database, timeout=30):
    def finished():
        return not {"ready", "leased"} & set(states(database))
    wait_until(finished, timeout, "the end of every delivery")


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
