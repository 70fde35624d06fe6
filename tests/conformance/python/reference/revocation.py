"""A log-out: the store first, then the provider."""

from .storage import UNREADABLE
from .tokens import take


def log_out_at_the_store(client, caller, grants):
    storage = client.storage
    done = True
    if storage:
        found = None
        if not storage.was_read:
            found = yield from storage.load()
            storage.must_clear = True
        if found is not None and found is not UNREADABLE and found.tokens:
            grants = grants + [take(found.tokens, client.loop.now, client.settings)]
        done = False if storage.was_late else (yield from storage.clear())
    for held in grants:
        revoke(client, held.access)
    outcome = {"done": True} if done else {"error": "store"}
    client.loop.note("got", caller=caller, **outcome)


def revoke(client, access):
    if client.can_revoke:
        client.loop.tell("revoke", access=access)
