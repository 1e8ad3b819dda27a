"""What Gunicorn runs, made cheaper for short requests: its worker with threads, and its logger."""

import select
from typing import Any

from gunicorn.glogging import Logger as GunicornLogger
from gunicorn.workers.gthread import ThreadWorker

# how long a thread waits for the next request of the connection it has just answered, before it gives it back
LINGER_MILLISECONDS = 10


class Worker(ThreadWorker):
    """A worker of threads.

    Gunicorn's own gives a connection back to its main thread after every answer, which waits for the next request and
    gives it to a thread again: two more threads that want the interpreter, and a third of what a short request costs.
    """

    def handle(self, conn: Any) -> Any:
        """Answer a request, and those that follow it closely on the same connection; see `ThreadWorker`."""
        while True:
            keep = super().handle(conn)
            # whoever waits for a thread, such as a probe, comes before whoever has one
            if keep is not True or not self.alive or self.tpool._work_queue.qsize() or not self._asks_again(conn):
                return keep

    def _asks_again(self, conn: Any) -> bool:
        # what was read beyond the last request is seen by Gunicorn itself
        if conn.is_http2 or conn.parser.unreader.buf.getvalue():
            return False
        waiting = select.poll()
        waiting.register(conn.sock, select.POLLIN)
        return bool(waiting.poll(LINGER_MILLISECONDS))


class Logger(GunicornLogger):
    """Gunicorn's, without its line for each request, which it would put together although nobody reads it."""

    def access(self, *_: object) -> None:
        """Nothing: every request is told by this package's own line."""
