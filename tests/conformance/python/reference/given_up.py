"""A flight whose runtime is gone or stands still. Its request may go on, and its response may still come."""

from .pacing import Failure
from .revocation import revoke
from .tokens import take


def give_up(client, request_goes_on):
    flight, error = client.flight, Failure("transient", "panic")
    if flight.is_sending and client.current:
        client.refresh_token = "doubtful"
    if request_goes_on:
        flight.is_given_up = True
        client.loop.drop(flight.task.timer)
    else:
        client.loop.stop(flight.task)
    if client.storage:
        client.storage.release()
    client.put_back_in_use(error)
    client.pacing.failed(flight, error, client.usable(), client.loop.now)
    client.flight_is_over(error)


def keep_what_came_late(client, login, refresh, sent, answer):
    """Uses what the response brings, if it is the successor of the refresh token in use."""
    if answer["with"] != "tokens":
        return
    tokens = answer["tokens"]
    if client.login_number != login:
        revoke(client, tokens["access"])
    elif refresh and client.current and client.current.refresh == refresh and client.refresh_token != "good":
        held = take({"refresh": refresh, **tokens}, sent, client.settings, is_issued_now=True)
        if client.storage:
            yield from client.storage.save(held)
        client.put_in_use(held)
        client.refresh_token, client.doubted = "good", None
        client.pacing.succeeded()
