"""Ctrl-C that lets work end in order."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

from tqdm import tqdm


class StopRequest:
    """Turns the first Ctrl-C or SIGTERM into a wish that the work looks at; a second one ends at once.

    Args:
        message: what the first one is answered with.

    Attributes:
        requested: whether there was one.
    """

    def __init__(self, message: str) -> None:
        self.message, self.requested = message, False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # no other may listen
            self._before = {number: signal.signal(number, self._request) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _request(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        tqdm.write(self.message)
