"""From the names in a scenario to the texts that a client sees, and back."""

import base64
import json

# The wall clock when a scenario begins, in seconds since 1970.
START = 2_000_000_000


def encode(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def text_of(tokens, timing):
    """The access token that is sent: the name itself, or an unsigned JWT that contains it."""
    if "jwt" not in tokens:
        return tokens["access"]
    claims = {"jti": tokens["access"]}
    for claim in ("exp", "iat"):
        if claim in tokens["jwt"]:
            claims[claim] = START + timing.seconds(tokens["jwt"][claim])
    return f"e30.{encode(claims)}.c2ln"


def name_of(text):
    parts = text.split(".")
    if len(parts) != 3:
        return text
    claims = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
    return json.loads(claims).get("jti", text)


def outward(tokens, timing):
    """Credentials as a driver gets them: the text of the token, times in seconds, times of day since 1970."""
    sent = {"access": text_of(tokens, timing)}
    if "refresh" in tokens:
        sent["refresh"] = tokens["refresh"]
    if "lifetime" in tokens:
        sent["lifetime"] = timing.seconds(tokens["lifetime"])
    if "expires_at" in tokens:
        sent["expires_at"] = START + timing.seconds(tokens["expires_at"])
    return sent


def inward(tokens):
    """Credentials in the store, by their names."""
    named = {"access": name_of(tokens["access"])}
    if tokens.get("refresh") is not None:
        named["refresh"] = tokens["refresh"]
    if tokens.get("expires_at") is not None:
        named["expires_at"] = round(tokens["expires_at"] - START, 3)
    return named
