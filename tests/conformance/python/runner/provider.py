"""A provider with a memory: it rotates refresh tokens, and notices when one is used twice."""

LIFETIME = 3600


class Family:
    """The refresh tokens of one log-in."""

    def __init__(self, refresh):
        self.current = refresh
        self.is_revoked = False
        # What the provider issued last, for which refresh token.
        self.issued_for = None
        self.issued = None


class Provider:
    def __init__(self, reuse):
        self.forgives = reuse == "grace"
        self.families = {}
        self.sends = {}
        self.logins = self.number = 0
        self.revoked = 0

    def respond(self, call):
        if call["what"] == "login":
            self.logins += 1
            return self.issue(Family(None))
        return self.refresh(call["refresh"])

    def refresh(self, refresh):
        self.sends[refresh] = self.sends.get(refresh, 0) + 1
        # A refresh token that it has not issued is of a log-in elsewhere.
        family = self.families.setdefault(refresh, Family(refresh))
        if family.is_revoked:
            return {"with": "refused"}
        if refresh == family.current:
            return self.issue(family)
        if self.forgives and refresh == family.issued_for:
            return family.issued
        family.is_revoked = True
        self.revoked += 1
        return {"with": "refused"}

    def issue(self, family):
        self.number += 1
        tokens = {"access": f"at-p{self.number}", "refresh": f"rt-p{self.number}", "lifetime": LIFETIME}
        family.issued_for, family.issued = family.current, {"with": "tokens", "tokens": tokens}
        family.current = tokens["refresh"]
        self.families[family.current] = family
        return family.issued

    def most_sends(self):
        return max(self.sends.values(), default=0)
