"""moto's server with the order that FIFO queues promise. moto itself looks at its clock again for each message, so that one
may be given out while an earlier one of its group is about to be visible again; and requests that wait at the same time
share the messages of a group."""

import threading
import time

from moto.server import main
from moto.sqs.models import Queue, SQSBackend

POLL_SECONDS = 0.05
_receive = SQSBackend.receive_message
_alone, _pause = threading.Lock(), threading.Event()


def receive(self, queue_name, count, wait_seconds_timeout, *more, **options):
    queue, end = self.get_queue(queue_name), time.monotonic() + (wait_seconds_timeout or 0)
    while True:
        with _alone:
            queue.pending_messages.difference_update([each for each in queue.pending_messages if each.visible])
            queue.held_groups = {each.group_id for each in queue.pending_messages}
            found = _receive(self, queue_name, count, 0, *more, **options)
        if found or time.monotonic() > end:
            return found
        _pause.wait(POLL_SECONDS)


SQSBackend.receive_message = receive
Queue.pending_message_groups = property(lambda queue: queue.held_groups)

if __name__ == "__main__":
    main()
