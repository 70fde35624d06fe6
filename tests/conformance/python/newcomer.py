"""More ways to break the reference client: mistakes that a client can make that is written from the pages of the suite alone."""

MISTAKES_OF_A_NEWCOMER = [
    ("believes no issue time that is still to come", "tokens.py",
     "if abs(issued - now.wall) <= MOST_SKEW:",
     "if 0 <= now.wall - issued <= MOST_SKEW:"),
    ("believes any issue time that is still to come", "tokens.py",
     "if abs(issued - now.wall) <= MOST_SKEW:",
     "if now.wall - issued <= MOST_SKEW:"),
    ("ignores the default lifetime", "tokens.py",
     "    return settings.default_lifetime\n",
     "    return None\n"),
    ("takes the default lifetime for that of a JWT", "tokens.py",
     'if "exp" in claims:',
     'if "exp" in claims and settings.default_lifetime is None:'),
    ("lets callers wait for more than half of the time that is left", "flight.py",
     "min(self.settings.mandatory_wait, half)",
     "self.settings.mandatory_wait"),
    ("lets a caller who has to wait end the memory of a refusal", "pacing.py",
     "return max(until, self.floor)",
     "return until if has_to_wait and self.error.is_terminal else max(until, self.floor)"),
    ("uses a response that has expired in place of a valid token", "attempts.py",
     "if before and (is_expired or came_back):",
     "if before and came_back:"),
    ("lets an explicit refresh follow at once when the rejected token came back", "flight.py",
     "client.pacing.not_before(self.started + interval)",
     "pass"),
    ("forgets the refresh token of a request that was given up", "attempts.py",
     '        return {"with": "lost"} if answer is LATE else answer\n',
     '        if answer is LATE and what == "refresh":\n'
     "            client.current = client.current.with_refresh(None)\n"
     '        return {"with": "lost"} if answer is LATE else answer\n'),
    ("forgets the refresh token if the client is set up wrongly", "attempts.py",
     '            if kind in ("lost", "invalid", "panic"):\n',
     '            if kind == "misconfigured":\n'
     "                client.current = client.current.with_refresh(None)\n"
     '            if kind in ("lost", "invalid", "panic"):\n'),
    ("withholds a rejected token after an inconclusive log-in", "client.py",
     'error.kind == "login_required" and error.source == "refused")',
     'error.kind == "login_required" and error.source in ("refused", "inconclusive"))'),
    ("withholds a rejected token if the client is set up wrongly", "client.py",
     'error.kind == "login_required" and error.source == "refused")',
     'error.kind == "misconfigured" or error.source == "refused")'),
    ("hands out a rejected token again if it can't log in", "client.py",
     "if self.current and not is_refused:",
     "if self.current and not (is_refused and self.can_login):"),
    ("judges a rejected token by the log-in alone", "client.py",
     'is_refused = self.refresh_token == "refused" or (',
     "is_refused = ("),
    ("remembers seven rejected tokens", "client.py",
     "REJECTED_TOKENS_KEPT = 8",
     "REJECTED_TOKENS_KEPT = 7"),
    ("forgets a token that was rejected during its background refresh", "client.py",
     "if replaced and self.is_rejected and",
     "if replaced and self.is_rejected and self.last_rejection is not None and"),
    ("hands out a rejected token when the first attempt fails", "client.py",
     "        token = self.usable()\n"
     "        for waiter in list",
     "        token = self.unexpired()\n"
     "        for waiter in list"),
    ("answers a late 401 with a successor that was rejected too", "client.py",
     "            self.mark_put_aside(access)\n"
     "            return self.need(waiter)",
     "            self.mark_put_aside(access)\n"
     "            if self.unexpired():\n"
     "                return self.callers.give(waiter, self.current.access)\n"
     "            return self.need(waiter)"),
    ("waits equally long between all attempts", "pacing.py",
     "wait = doubling(settings.retry_first, settings.retry_max, attempt)",
     "wait = settings.retry_first"),
    ("repeats a lost refresh once in all", "attempts.py",
     "            if self.has_resent:\n"
     "                raise error\n"
     "            self.has_resent = True\n",
     '            if self.has_resent or getattr(client, "has_resent", False):\n'
     "                raise error\n"
     "            self.has_resent = client.has_resent = True\n"),
    ("keeps the old refresh token after a log-in, unless it was refused", "attempts.py",
     'return (yield from self.publish(answer["tokens"], sent, is_login=True))',
     'old = client.current.refresh if client.refresh_token == "inconclusive" else None\n'
     '                return (yield from self.publish({"refresh": old, **answer["tokens"]}, sent, is_login=True))'),
    ("counts refusals beyond a success", "pacing.py",
     'row = 1 if error.source == "unsupported" else self.in_a_row',
     'self.refusals = getattr(self, "refusals", 0) + 1\n'
     '            row = 1 if error.source == "unsupported" else self.refusals'),
    ("believes the issue time of credentials that the program sets", "client.py",
     "self.put_in_use(take(tokens, self.loop.now, self.settings))",
     "self.put_in_use(take(tokens, self.loop.now, self.settings, is_issued_now=True))"),
    ("does not revoke a rejected token", "client.py",
     "for held in (saving, self.current, self.doubted",
     "for held in (saving, None if self.is_rejected else self.current, self.doubted"),
    ("does not revoke what is in doubt", "client.py",
     "for held in (saving, self.current, self.doubted",
     'for held in (saving, None if self.refresh_token == "doubtful" else self.current, self.doubted'),
    ("refreshes new credentials for an explicit refresh from before", "client.py",
     "        for waiter in waiting:\n"
     "            self.need(waiter)\n",
     "        for waiter in waiting:\n"
     "            (self.join if waiter.next_flight else self.need)(waiter)\n"),
    ("remembers rejected tokens beyond a log-out", "client.py",
     "        self.rejected_earlier = []\n",
     '        self.rejected_earlier = getattr(self, "rejected_earlier", [])\n'),
]
