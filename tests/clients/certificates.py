"""A certificate for names, and the one that signed it, for a week: FOLDER NAME…"""
import datetime
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM


def key():
    return ec.generate_private_key(ec.SECP256R1())


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject, public, signer, signing, authority, names=()):
    now = datetime.datetime.now(datetime.timezone.utc)
    build = x509.CertificateBuilder(name(signer), name(subject), public, x509.random_serial_number(),
                                    now - datetime.timedelta(hours=1), now + datetime.timedelta(days=7))
    build = build.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    if names:
        build = build.add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
    return build.sign(signing, hashes.SHA256()).public_bytes(PEM)


folder, names = Path(sys.argv[1]), sys.argv[2:]
above, own = key(), key()
signer = certificate("clients", above.public_key(), "clients", above, True)
(folder / "signer.pem").write_bytes(signer)
(folder / "chain.pem").write_bytes(certificate(names[0], own.public_key(), "clients", above, False, names) + signer)
private = own.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
(folder / "key.pem").write_bytes(private)
