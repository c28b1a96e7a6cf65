"""Keys and certificates for the mocks, made anew each time."""
import datetime
import ipaddress
import json

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


class Credentials:
    """A certificate for localhost, an APNs key, an FCM account and a VAPID key in a folder."""

    def __init__(self, folder, project="demo-project"):
        self.folder = folder
        server_key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = datetime.datetime.now(datetime.timezone.utc)
        certificate = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(server_key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=2))
            .add_extension(x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), True).sign(server_key, hashes.SHA256()))
        self.certificate, self.key = folder / "cert.pem", folder / "key.pem"
        self.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self.key.write_text(pem(server_key))
        apns = ec.generate_private_key(ec.SECP256R1())
        self.apns_public = apns.public_key()
        self.apns_file = folder / "AuthKey.p8"
        self.apns_file.write_text(pem(apns))
        account = rsa.generate_private_key(65537, 2048)
        self.fcm_public = account.public_key()
        self.fcm_file = folder / "account.json"
        self.fcm_file.write_text(json.dumps({
            "type": "service_account", "project_id": project, "private_key_id": "key1", "private_key": pem(account),
            "client_email": f"push@{project}.iam.gserviceaccount.com", "token_uri": "https://oauth2.googleapis.com/token"}))
        self.vapid = ec.generate_private_key(ec.SECP256R1())
        self.vapid_file = folder / "vapid.pem"
        self.vapid_file.write_text(pem(self.vapid))
