"""A sign-in service that keeps to the rules, or breaks one of them on purpose.

It checks the client's secret, the PKCE verifier and that a code is used once, which the ready-made
provider of the other tests does not.
"""

import base64
import hashlib
import json
import secrets
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

HEADER = {"alg": "RS256", "kid": "one"}
KEY, STRANGERS_KEY = (RSAKey.generate_key(2048, {"kid": "one"}) for _ in range(2))
CLIENT_ID, CLIENT_SECRET = "lagesbild-test", "what only the two of them know"


class StrictProvider:
    """Signs in whomever it is told to; what is set on it bends its answers."""

    def __init__(self):
        self.claims = {"sub": "s-1", "preferred_username": "anna", "groups": ["Planerare"]}
        self.bend_metadata = self.bend_claims = lambda said: said
        self.sign = self.sign_rs256
        self.metadata_status, self.token_status, self.delay_s = 200, 200, 0.0
        self.codes, self.asked = {}, []

    def sign_rs256(self, claims):
        return jwt.encode(HEADER, claims, KEY)

    def sign_with_our_secret(self, claims):
        return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET))

    def sign_with_a_strangers_key(self, claims):
        return jwt.encode(HEADER, claims, STRANGERS_KEY)

    def sign_not_at_all(self, claims):
        def part(said):
            return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")

        return f"{part({'alg': 'none'})}.{part(claims)}."

    def metadata(self):
        return self.bend_metadata(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            }
        )

    def authorize(self, location):
        """Let somebody sign in at the address they were sent to; give where they go next."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert asked["client_id"] == CLIENT_ID
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        back = urlencode({"code": code, "state": asked["state"]})
        return f"{asked['redirect_uri']}?{back}"

    def token(self, form, authorization):
        asked = self.codes.pop(form.get("code", [""])[0], None)
        pair = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        verifier = form.get("code_verifier", [""])[0].encode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).decode()
        if asked is None or challenge.rstrip("=") != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        if authorization != f"Basic {pair}" or form["redirect_uri"][0] != asked["redirect_uri"]:
            return 401, {"error": "invalid_client"}
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **self.claims,
        }
        signed = self.sign(self.bend_claims(claims))
        return self.token_status, {
            "access_token": "x",
            "token_type": "Bearer",
            "id_token": signed,
        }

    def answer(self, path, form, authorization):
        self.asked.append(path)
        time.sleep(self.delay_s)
        if path == "/.well-known/openid-configuration":
            return self.metadata_status, self.metadata()
        if path == "/keys":
            return 200, {"keys": [KEY.as_dict(private=False)]}
        return self.token(form, authorization)


@contextmanager
def strict_provider():
    """Run one on a free port of this machine; stopped afterwards."""
    provider = StrictProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.respond({})

        def do_POST(self):
            length = int(self.headers["Content-Length"])
            self.respond(parse_qs(self.rfile.read(length).decode()))

        def respond(self, form):
            said = provider.answer(self.path, form, self.headers.get("Authorization"))
            status, body = said[0], json.dumps(said[1]).encode()
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
