# Drives headless Chromium over its DevTools protocol with the standard library alone: enough to load a page, run a
# line of script, and take a picture.

import base64
import json
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import urllib.request


def chromium():
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Browser:
    """One page. `problems` gathers what its console and its network complain of."""

    def __init__(self, width=1280, height=900, dark=False, mobile=False):
        self._directory = tempfile.mkdtemp(prefix="browser-")
        self._process = subprocess.Popen(
            [chromium(), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-background-networking", "--remote-debugging-port=0", "--hide-scrollbars",
             f"--user-data-dir={self._directory}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        try:
            self._connect()
            self.problems, self.requests = [], []
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.call(f"{domain}.enable")
            self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
            scheme = "dark" if dark else "light"
            self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        except BaseException:
            self.close()
            raise

    def _connect(self):
        file, deadline = os.path.join(self._directory, "DevToolsActivePort"), time.monotonic() + 30
        while not os.path.exists(file) or len(open(file).read().split()) < 2:
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError("chromium did not start")
            time.sleep(0.05)
        port = int(open(file).read().split()[0])
        pages = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=10))
        path = next(p for p in pages if p["type"] == "page")["webSocketDebuggerUrl"].split(str(port), 1)[1]
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self._file, self._number = self._socket.makefile("rb"), 0
        while self._file.readline() not in (b"\r\n", b""):
            pass

    def _receive(self):
        text = b""
        while True:
            first, length = self._file.read(2)
            length &= 0x7F
            if length == 126:
                length = struct.unpack(">H", self._file.read(2))[0]
            elif length == 127:
                length = struct.unpack(">Q", self._file.read(8))[0]
            text += self._file.read(length)
            if first & 0x80:
                return json.loads(text)

    def call(self, method, **params):
        self._number += 1
        text = json.dumps({"id": self._number, "method": method, "params": params}).encode()
        size = struct.pack(">BBH", 0x81, 0xFE, len(text)) if len(text) < 65536 else struct.pack(">BBQ", 0x81, 0xFF, len(text))
        self._socket.sendall(size + b"\0\0\0\0" + text)  # a mask of zeros leaves the text as it is
        while True:
            message = self._receive()
            if message.get("id") == self._number:
                assert "error" not in message, message
                return message["result"]
            self._note(message)

    def _note(self, message):
        params = message.get("params", {})
        if message["method"] == "Runtime.exceptionThrown":
            self.problems.append(params["exceptionDetails"].get("exception", {}).get("description", "?"))
        elif message["method"] == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.problems.append(f'{params["entry"]["text"]} {params["entry"].get("url", "")}')
        elif message["method"] == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])

    def evaluate(self, script):
        result = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def wait(self, condition, within=15.0):
        deadline = time.monotonic() + within
        while not self.evaluate(condition):
            assert time.monotonic() < deadline, f"not within {within} s: {condition}; {self.problems}"
            time.sleep(0.1)

    def picture(self, path, whole=True):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        options = {"clip": clip, "captureBeyondViewport": True} if whole else {}
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("Page.captureScreenshot", format="png", **options)["data"]))

    def close(self):
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        shutil.rmtree(self._directory, ignore_errors=True)
