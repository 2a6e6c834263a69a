"""What a user's program does with Fishjam's server SDK, of whichever version PYTHONPATH names; prints lines of JSON.

    fishjam_client.py notify URL TOKEN    connects, prints what comes, and connects again when the connection is lost
    fishjam_client.py decode HEX...       prints what the webhooks are
"""

import asyncio
import json
import sys
import warnings

import fishjam
from websockets.exceptions import WebSocketException


def say(word: str, *rest) -> None:
    print(json.dumps([word, *rest]), flush=True)


def plain(notification) -> list:
    """The SDK's class and what is in it."""
    return [type(notification).__name__, notification.to_dict()]


def notifier(url: str, token: str):
    """With every handler that this SDK has."""
    if hasattr(fishjam, "Notifier"):
        made = fishjam.Notifier(server_address=url.split("://")[1], server_api_token=token)
        made.on_metrics(lambda report: say("metrics", json.loads(report.metrics)))
    else:
        made = fishjam.FishjamNotifier(url, token)
    made.on_server_notification(lambda notification: say("notification", *plain(notification)))
    return made


async def follow(url: str, token: str) -> None:
    while True:
        connected = notifier(url, token)
        ready = asyncio.create_task(connected.wait_ready())
        ready.add_done_callback(lambda task: task.cancelled() or say("ready"))
        try:
            await connected.connect()
        except (OSError, WebSocketException) as error:
            say("lost", str(error))
        except RuntimeError as error:
            return say("refused", str(error))
        finally:
            ready.cancel()
        await asyncio.sleep(0.05)


def main(what: str, *arguments: str) -> None:
    warnings.simplefilter("ignore", DeprecationWarning)
    if what == "decode":
        for body in arguments:
            say("notification", *plain(fishjam.receive_binary(bytes.fromhex(body))))
    else:
        asyncio.run(follow(*arguments))


main(*sys.argv[1:])
