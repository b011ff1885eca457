"""A headless Chromium, driven over its DevTools pipe with the standard library."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# The pipe is spoken on descriptors 3 and 4.
_ON_3_AND_4 = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
for end, place in zip(ends, (3, 4)):
    os.dup2(end, place, inheritable=True)
os.execv(sys.argv[3], sys.argv[3:])
"""
_LONGEST = 60.0  # seconds for any answer
_KEYS = {"Enter": ("Enter", 13, "\r"), " ": ("Space", 32, " "), "Tab": ("Tab", 9, "")}


class Browser:
    """One page of a browser. `errors`: what the console was told; `requests`: every address that was asked for."""

    def __init__(self, process: subprocess.Popen, commands: int, answers: int) -> None:
        self.process, self.commands, self.answers = process, commands, answers
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.loaded = False
        self.session = ""
        self._last, self._rest = 0, b""

    @classmethod
    @contextmanager
    def start(cls) -> Iterator[Self]:
        """Start the browser that is installed, or skip the test."""
        name = next((found for found in map(shutil.which, _NAMES) if found), None)
        if name is None:
            pytest.skip("no Chromium is installed to try the page in")
        (theirs_in, commands), (answers, theirs_out) = os.pipe(), os.pipe()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
            words = [name, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
                     "--disable-dev-shm-usage", f"--user-data-dir={home}", "about:blank"]  # fmt: skip
            process = subprocess.Popen(
                [sys.executable, "-c", _ON_3_AND_4, str(theirs_in), str(theirs_out), *words],
                pass_fds=(theirs_in, theirs_out),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            os.close(theirs_in)
            os.close(theirs_out)
            found = cls(process, commands, answers)
            try:
                target = found._ask("Target.createTarget", url="about:blank")["targetId"]
                found.session = found._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
                for domain in ("Page", "Runtime", "Network", "Log", "DOM"):
                    found._ask(f"{domain}.enable")
                yield found
            finally:
                process.terminate()
                try:
                    process.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                os.close(commands)
                os.close(answers)

    def open(self, address: str) -> None:
        self.errors.clear()
        self.requests.clear()
        self.loaded = False
        self._ask("Page.navigate", url=address)
        while not self.loaded:
            self._receive()

    def evaluate(self, expression: str) -> Any:
        found = self._ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def count(self, selector: str) -> int:
        """How many elements match, without a script of the page."""
        root = self._ask("DOM.getDocument", depth=0)["root"]["nodeId"]
        return len(self._ask("DOM.querySelectorAll", nodeId=root, selector=selector)["nodeIds"])

    def press(self, key: str) -> None:
        code, number, text = _KEYS[key]
        for kind in ("keyDown", "keyUp"):
            typed = {"text": text} if text and kind == "keyDown" else {}
            self._ask("Input.dispatchKeyEvent", type=kind, key=key, code=code, windowsVirtualKeyCode=number, **typed)

    @contextmanager
    def without_scripts(self) -> Iterator[None]:
        self._ask("Emulation.setScriptExecutionDisabled", value=True)
        yield
        self._ask("Emulation.setScriptExecutionDisabled", value=False)

    @contextmanager
    def width(self, pixels: int) -> Iterator[None]:
        size = {"width": pixels, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        self._ask("Emulation.setDeviceMetricsOverride", **size)
        yield
        self._ask("Emulation.clearDeviceMetricsOverride")

    def _ask(self, method: str, **parameters: Any) -> Any:
        self._last += 1
        number = self._last
        request = {"id": number, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.commands, json.dumps(request).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]

    def _receive(self) -> dict[str, Any]:
        """The next message; those that tell of errors, requests and the page's loading are noted."""
        deadline = time.monotonic() + _LONGEST
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self.answers], [], [], max(deadline - time.monotonic(), 0))
            read = os.read(self.answers, 1 << 20) if ready else b""
            assert read, "the browser does not answer"
            self._rest += read
        message, self._rest = self._rest.split(b"\0", 1)
        told = json.loads(message)
        match told.get("method"):
            case "Page.loadEventFired":
                self.loaded = True
            case "Network.requestWillBeSent":
                self.requests.append(told["params"]["request"]["url"])
            case "Runtime.exceptionThrown":
                self.errors.append(str(told["params"]["exceptionDetails"]))
            case "Log.entryAdded" if told["params"]["entry"]["level"] == "error":
                self.errors.append(str(told["params"]["entry"]))
            case "Runtime.consoleAPICalled" if told["params"]["type"] in ("error", "assert"):
                self.errors.append(str(told["params"]["args"]))
        return told
