"""Keys and signatures: what is accepted, and that nothing else is."""

import os
import stat

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import Conflict, InvalidParameter, LagesbildError, NotFound, UnreadableFile
from pipelines import signing

# RFC 8032, section 7.1, test 1: the secret key, and its public key.
SECRET = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
EMPTY_SIGNED = bytes.fromhex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
)
OURS = Ed25519PrivateKey.from_private_bytes(SECRET)
KNOWN = {"polisen": signing.public_half(OURS)}
MESSAGE = '{"utgåva":1}'.encode()


def refused(call, *arguments):
    """Give the code with which something is refused."""
    with pytest.raises(LagesbildError) as caught:
        call(*arguments)
    return caught.value.code


def test_the_signature_is_the_one_of_the_standard():
    line, signature, end = signing.sign(OURS, b"").split("\n")
    assert signing.public_key(line).raw == PUBLIC
    assert signing.base64.urlsafe_b64decode(signature + "==") == EMPTY_SIGNED
    assert end == ""


def test_a_new_key_signs_what_its_public_line_verifies(tmp_path):
    file = tmp_path / "keys" / "utgavor.pem"
    public = signing.new_key(file)
    statement = signing.sign(signing.private_key(file), MESSAGE)
    known = signing.trusted(f"polisen={public.line}")
    assert signing.signer(statement, MESSAGE, known) == "polisen"
    assert signing.new_key(tmp_path / "other.pem") != public


def test_a_key_file_is_its_owners_alone_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        signing.new_key(tmp_path / "key.pem")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600


def test_a_key_is_never_overwritten(tmp_path):
    file = tmp_path / "key.pem"
    signing.new_key(file)
    kept = file.read_bytes()
    with pytest.raises(Conflict, match="file-exists"):
        signing.new_key(file)
    assert file.read_bytes() == kept


def test_a_fingerprint_is_eight_groups_of_four(tmp_path):
    groups = signing.new_key(tmp_path / "key.pem").fingerprint.split(" ")
    assert [len(group) for group in groups] == [4] * 8


def test_a_missing_key_file_is_said(tmp_path):
    with pytest.raises(NotFound, match="signing-key-missing"):
        signing.private_key(tmp_path / "none.pem")


@pytest.mark.parametrize("kind", ["text", "curve", "password", "empty", "folder"])
def test_what_is_no_signing_key_is_refused(tmp_path, kind):
    file = tmp_path / "key.pem"
    plain = serialization.NoEncryption()
    pem = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    if kind == "folder":
        file.mkdir()
    else:
        curve = ec.generate_private_key(ec.SECP256R1())
        locked = serialization.BestAvailableEncryption(b"hemligt")
        written = {
            "text": b"inte en nyckel",
            "curve": curve.private_bytes(*pem, plain),
            "password": OURS.private_bytes(*pem, locked),
            "empty": b"",
        }
        file.write_bytes(written[kind])
    with pytest.raises(UnreadableFile, match="signing-key-unreadable"):
        signing.private_key(file)


def test_names_and_keys_are_read_from_one_line():
    other = signing.public_half(Ed25519PrivateKey.generate())
    written = f" polisen = {KNOWN['polisen'].line} ; Polisregion Mitt 2027={other.line};"
    assert signing.trusted(written) == {**KNOWN, "Polisregion Mitt 2027": other}
    assert signing.trusted("") == {}


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("{key}", "trusted-key-name"),
        ("={key}", "trusted-key-name"),
        ("a;b={key}", "public-key"),
        ("a={key};a={key}", "trusted-key-twice"),
        ("a={key};b={key}", "trusted-key-twice"),
        ("a=ssh-ed25519 AAAA", "public-key"),
        ("a={key}=", "public-key"),
        ("a={key}A", "public-key"),
        ("a=lb-key1:", "public-key"),
        ("a=lb-key1:åäö", "public-key"),
        ("a=lb-key2:AAAA", "public-key"),
    ],
)
def test_a_list_of_keys_that_is_not_right_is_refused(written, code):
    assert refused(signing.trusted, written.format(key=KNOWN["polisen"].line)) == code


def test_a_key_that_is_not_trusted_is_named_by_its_fingerprint():
    other = Ed25519PrivateKey.generate()
    with pytest.raises(InvalidParameter, match="signature-key-unknown") as caught:
        signing.signer(signing.sign(other, MESSAGE), MESSAGE, KNOWN)
    assert caught.value.values == {"fingerprint": signing.public_half(other).fingerprint}


def test_a_strangers_signature_under_a_trusted_key_is_wrong():
    stranger = signing.sign(Ed25519PrivateKey.generate(), MESSAGE)
    forged = f"{KNOWN['polisen'].line}\n" + stranger.partition("\n")[2]
    assert refused(signing.signer, forged, MESSAGE, KNOWN) == "signature-wrong"


@given(st.binary(max_size=200).filter(lambda other: other != MESSAGE))
def test_no_other_message_has_the_signature(other):
    assert refused(signing.signer, signing.sign(OURS, MESSAGE), other, KNOWN) == "signature-wrong"


@given(st.data())
def test_no_other_statement_is_accepted(data):
    statement = signing.sign(OURS, MESSAGE)
    at = data.draw(st.integers(0, len(statement) - 1))
    sign = data.draw(st.characters().filter(lambda each: each != statement[at]))
    changed = statement[:at] + sign + statement[at + 1 :]
    assert refused(signing.signer, changed, MESSAGE, KNOWN) in {
        *("public-key", "signature-unreadable", "signature-key-unknown", "signature-wrong")
    }


@given(st.text())
def test_any_text_is_refused_as_a_statement(statement):
    assert refused(signing.signer, statement, MESSAGE, KNOWN) in {
        *("public-key", "signature-unreadable")
    }
