"""Credentials, how long they are valid, and in which of the four states they are. All times are in milliseconds."""

import base64
import json

FRESH, ADVISORY, MANDATORY, EXPIRED = range(4)

LONGEST_LIFETIME = 315_360_000_000
MOST_SKEW = 900_000


class Held:
    """Credentials that the client has taken, with the times that follow from them."""

    def __init__(self, access, refresh, lifetime, mono, wall, settings):
        self.access = access
        self.refresh = refresh
        self.lifetime = lifetime
        self.taken_mono = mono
        self.taken_wall = wall
        self.settings = settings

    def is_past(self, age, now):
        """Whether one of the two clocks says that the credentials are this old."""
        return now.mono - self.taken_mono >= age or now.wall - self.taken_wall >= age

    def state(self, now):
        if self.lifetime is None:
            return FRESH
        if self.is_past(self.lifetime, now):
            return EXPIRED
        if self.is_past(self.lifetime - self.settings.mandatory_window(self.lifetime), now):
            return MANDATORY
        if self.is_past(self.lifetime - self.settings.advisory_window(self.lifetime), now):
            return ADVISORY
        return FRESH

    def time_left(self, now):
        if self.lifetime is None:
            return LONGEST_LIFETIME
        age = max(now.mono - self.taken_mono, now.wall - self.taken_wall)
        return max(0, self.lifetime - age)

    def expires_at(self):
        return None if self.lifetime is None else self.taken_wall + self.lifetime

    def with_refresh(self, refresh):
        return Held(self.access, refresh, self.lifetime, self.taken_mono, self.taken_wall, self.settings)


def take(tokens, now, settings, is_issued_now=False):
    """Takes credentials that come from a response, the store, the set-up or the program."""
    return Held(
        tokens["access"], tokens.get("refresh"), lifetime_of(tokens, now, settings, is_issued_now),
        now.mono, now.wall, settings,
    )


def lifetime_of(tokens, now, settings, is_issued_now):
    if tokens.get("lifetime"):
        return min(tokens["lifetime"], LONGEST_LIFETIME)
    if tokens.get("expires_at") is not None:
        return min(tokens["expires_at"] - now.wall, LONGEST_LIFETIME)
    claims = claims_of(tokens["access"])
    if "exp" in claims:
        expires = round(claims["exp"] * 1000)
        if is_issued_now and "iat" in claims:
            issued = round(claims["iat"] * 1000)
            if abs(issued - now.wall) <= MOST_SKEW:
                return min(expires - issued, LONGEST_LIFETIME)
        return min(expires - now.wall, LONGEST_LIFETIME)
    return settings.default_lifetime


def claims_of(access):
    """The claims of a JWT in compact form. Anything else has none."""
    parts = access.split(".")
    if len(parts) != 3:
        return {}
    try:
        return json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
