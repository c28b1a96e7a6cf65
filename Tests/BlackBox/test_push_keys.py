"""Keys of push services: made, kept private, checked, never printed."""
import http.server
import json
import os
import stat
import threading

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from py_vapid import Vapid02

from conftest import environment, tickwire
from py_vapid.utils import b64urlencode


def pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


def private(path, text):
    path.write_text(text)
    path.chmod(0o600)
    return path


def checks(result):
    return {line["name"]: line for line in map(json.loads, result.stdout.splitlines())}


def test_vapid_makes_a_private_key_that_py_vapid_reads(tmp_path):
    result = tickwire("push", "vapid", "--data-dir", tmp_path, check=True)
    file = tmp_path / "vapid.pem"
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    key = Vapid02.from_file(str(file))
    point = key.public_key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    assert result.stdout.strip() == b64urlencode(point) and len(result.stdout.strip()) == 87
    assert "PRIVATE" not in result.stdout + result.stderr and "push.vapid.subject" in result.stderr
    shown = json.loads(tickwire("push", "vapid", "--show", "--json", "--data-dir", tmp_path, check=True).stdout)
    assert shown == {"publicKey": result.stdout.strip(), "file": str(file), "created": False}


def test_vapid_replaces_a_key_only_when_told_so(tmp_path):
    first = tickwire("push", "vapid", "--data-dir", tmp_path, check=True).stdout
    refused = tickwire("push", "vapid", "--data-dir", tmp_path)
    assert refused.returncode == 73 and "--force" in refused.stderr and refused.stdout == ""
    assert tickwire("push", "vapid", "--show", "--data-dir", tmp_path, check=True).stdout == first
    second = tickwire("push", "vapid", "--force", "--data-dir", tmp_path, check=True).stdout
    assert second != first
    assert Vapid02.from_file(str(tmp_path / "vapid.pem.previous"))
    assert tickwire("push", "vapid", "--show", "--force", "--data-dir", tmp_path).returncode == 64


def test_show_without_a_key_says_how_to_make_one(tmp_path):
    result = tickwire("push", "vapid", "--show", "--data-dir", tmp_path)
    assert result.returncode == 66 and "tickwire push vapid" in result.stderr


def test_check_reads_every_credential_and_prints_no_secret(tmp_path):
    apns = private(tmp_path / "AuthKey.p8", pem(ec.generate_private_key(ec.SECP256R1())))
    rsa_pem = pem(rsa.generate_private_key(65537, 2048))
    fcm = private(tmp_path / "fcm.json", json.dumps({
        "type": "service_account", "project_id": "prices-1", "private_key_id": "k", "private_key": rsa_pem,
        "client_email": "push@prices-1.iam.gserviceaccount.com", "token_uri": "https://oauth2.googleapis.com/token",
    }))
    tickwire("push", "vapid", "--data-dir", tmp_path, check=True)
    settings = environment(
        TICKWIRE_DATA_DIR=tmp_path, TICKWIRE_PUSH_APNS_KEY_FILE=apns, TICKWIRE_PUSH_APNS_KEY_ID="ABC1234567",
        TICKWIRE_PUSH_APNS_TEAM_ID="TEAM123456", TICKWIRE_PUSH_FCM_SERVICE_ACCOUNT_FILE=fcm,
        TICKWIRE_PUSH_VAPID_SUBJECT="mailto:ops@example.com", TICKWIRE_PUSH_BEAMS_INSTANCE_ID="8f9a-1",
        TICKWIRE_PUSH_BEAMS_SECRET_KEY="S" * 64,
    )
    result = tickwire("push", "check", "--json", env=settings)
    assert result.returncode == 0, result.stdout + result.stderr
    assert {line["state"] for line in checks(result).values()} == {"good"}
    assert "SSSS" not in result.stdout + result.stderr and "PRIVATE" not in result.stdout + result.stderr
    assert rsa_pem.splitlines()[3] not in result.stdout + result.stderr


def test_check_names_what_is_wrong_and_ends_with_78(tmp_path):
    wrong_curve = private(tmp_path / "AuthKey.p8", pem(ec.generate_private_key(ec.SECP384R1())))
    settings = environment(
        TICKWIRE_DATA_DIR=tmp_path, TICKWIRE_PUSH_APNS_KEY_FILE=wrong_curve, TICKWIRE_PUSH_APNS_KEY_ID="ABC1234567",
        TICKWIRE_PUSH_APNS_TEAM_ID="TEAM123456", TICKWIRE_PUSH_FCM_SERVICE_ACCOUNT_FILE=tmp_path / "none.json",
        TICKWIRE_PUSH_VAPID_SUBJECT="mailto:ops@localhost",
    )
    tickwire("push", "vapid", "--data-dir", tmp_path, check=True)
    result = tickwire("push", "check", "--json", env=settings)
    assert result.returncode == 78
    found = checks(result)
    assert found["apns"]["state"] == "bad" and "P-256" in found["apns"]["detail"]
    assert found["fcm"]["state"] == "bad" and "none.json" in found["fcm"]["detail"]
    assert found["vapid"]["state"] == "bad" and "mailto:" in found["vapid"]["detail"]
    assert found["beams"]["state"] == "absent"


def test_check_compares_the_clock_with_a_server(tmp_path):
    class Past(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response_only(200)
            self.send_header("Date", "Mon, 23 Nov 2020 12:00:00 GMT")
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Past)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/"
        result = tickwire("push", "check", "--json", "--clock", url, "--data-dir", tmp_path)
    finally:
        server.shutdown()
        server.server_close()
    assert result.returncode == 78
    assert "ahead" in checks(result)["clock"]["detail"] and "NTP" in checks(result)["clock"]["detail"]


def test_half_a_credential_stops_every_command_with_its_name(tmp_path):
    result = tickwire("push", "check", env=environment(TICKWIRE_DATA_DIR=tmp_path, TICKWIRE_PUSH_BEAMS_INSTANCE_ID="8f9a"))
    assert result.returncode == 78 and "push.beams.secretKey" in result.stderr
