"""What every measurement stands on: the C programs, the mock upstream, one proxy in front of it,
and what the kernel says about both. Linux only; nothing but the standard library and openssl(1).
"""
import contextlib
import http.client
import http.server
import json
import os
import secrets
import signal
import socket
import subprocess
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(os.path.dirname(HERE), "build")
CLIENT_KEY = "sk-bench-" + secrets.token_hex(24)
PROXY_CORE, LOAD_CORE = 0, min(1, (os.cpu_count() or 1) - 1)
CHAT = "/v1/chat/completions"
LIBRARIES = {"upstream": ["-lssl", "-lcrypto"], "relay": ["-lssl", "-lcrypto"], "load": []}


def build_programs():
    os.makedirs(BUILD, exist_ok=True)
    headers = [os.path.join(HERE, name) for name in ("bench.h", "answers.h")]
    for name, libraries in LIBRARIES.items():
        source, program = os.path.join(HERE, name + ".c"), os.path.join(BUILD, name)
        newest = max(os.path.getmtime(path) for path in (source, *headers))
        if not os.path.exists(program) or os.path.getmtime(program) < newest:
            subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-std=gnu17", "-o", program, source,
                            *libraries], check=True)


# --- processes

def spawn(command, core, output, environment=None):
    return subprocess.Popen(["taskset", "-c", str(core), *map(str, command)],
                            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                            env={**os.environ, **(environment or {})}, start_new_session=True)


def process_tree(root):
    """The process and all that descend from it, parents first."""
    children = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{entry}/stat") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry))
    tree = [root]
    for pid in tree:
        tree += children.get(pid, [])
    return tree


def stop(process, patience=5, traced=False):
    """Asks the program to end, waits, then kills what is left of its process group. `traced`: the
    program is the child of the tool that was started, and the tool ends when it does."""
    if process.returncode is not None:
        return
    tree = process_tree(process.pid)
    target = tree[1] if traced and len(tree) > 1 else tree[0]
    with contextlib.suppress(ProcessLookupError):
        os.kill(target, signal.SIGTERM)
    deadline = time.monotonic() + patience
    # Not reaped yet, the leader keeps its number, so that the group cannot be somebody else's.
    while not os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG):
        if time.monotonic() > deadline:
            break
        time.sleep(0.005)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def cpu_seconds(root):
    """CPU time of a process tree to the nanosecond: the kernel's per-process clock, which counts
    threads that have ended. Its id is the complement of the pid above three bits of clock type."""
    total = 0.0
    for pid in process_tree(root):
        with contextlib.suppress(OSError):
            total += time.clock_gettime((~pid << 3) | 2)
    return total


def private_kb(root):
    """Memory that would come free if the tree went: not shared with any process outside it."""
    total = 0
    for pid in process_tree(root):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("Private_"))
    return total


def machine_busy_seconds():
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, soft, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


def own_busy_seconds():
    """CPU of this process, of what it has started, and of what of that has ended."""
    ended = os.times()
    return cpu_seconds(os.getpid()) + ended.children_user + ended.children_system


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# --- files

def write_certificate(directory):
    """A CA and a P-256 certificate for localhost and 127.0.0.1: ca.pem, cert.pem, key.pem."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    with open(os.path.join(directory, "leaf.ext"), "w") as file:
        file.write("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n"
                   "extendedKeyUsage=serverAuth\n")
    openssl("req", "-x509", *key, "-days", "7", "-subj", "/CN=bench authority",
            "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", *key, "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "leaf.csr")
    openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "7", "-extfile", "leaf.ext", "-out", "cert.pem")


SENTENCE = ("Say in one paragraph what a relay must keep, \"byte for byte\", and what it may "
            "change; na\u00efve answers are welcome,\nlong ones are not. ")


def request_body(turns, characters, **extra):
    messages = [{"role": "system", "content": "You answer briefly. " + SENTENCE}]
    for turn in range(turns):
        text = (f"Turn {turn}. " + SENTENCE * (characters // len(SENTENCE) + 1))[:characters]
        messages.append({"role": "assistant" if turn % 2 else "user", "content": text})
    return json.dumps({"model": "gpt-4o-mini", "messages": messages, "temperature": 0.2,
                       "max_tokens": 512, **extra}, separators=(",", ":"))


def write_bodies(directory):
    bodies = {"unary": request_body(1, 640), "64k": request_body(41, 1480),
              "stream": request_body(1, 640, stream=True)}
    for name, body in bodies.items():
        with open(os.path.join(directory, name + ".json"), "w") as file:
            file.write(body)


# --- one upstream and one proxy

class Upstream:
    """The mock, running on the load core."""

    def __init__(self, directory, flags=()):
        command = [os.path.join(BUILD, "upstream"), "--cert", f"{directory}/cert.pem",
                   "--key", f"{directory}/key.pem", *flags]
        self.process = spawn(command, LOAD_CORE, subprocess.PIPE)
        line = self.process.stdout.readline()
        if not line.startswith(b"{"):
            raise RuntimeError(f"the mock upstream did not start: {line!r}")
        ports = json.loads(line)
        self.plain, self.tls, self.admin = ports["plain"], ports["tls"], ports["admin"]

    def counters(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=10)
        try:
            connection.request("GET", "/")
            return json.loads(connection.getresponse().read())
        except OSError as failure:
            ended = self.process.poll()
            if ended is None:
                raise
            said = self.process.stdout.read().decode(errors="replace")
            raise RuntimeError(f"the mock upstream ended with {ended}: {said}") from failure
        finally:
            connection.close()

    def stop(self):
        stop(self.process)
        self.process.stdout.close()


class Bench:
    """A scratch directory, an upstream and, unless `peer` is None, a proxy that answers through it.
    `wrap` puts a tool in front of the proxy's command (valgrind, strace)."""

    def __init__(self, peer, upstream_flags=(), wrap=(), binaries=None, patience=30):
        self.peer, self.flags, self.wrap = peer, [str(flag) for flag in upstream_flags], wrap
        self.binaries, self.patience = binaries or {}, patience
        self.proxy = self.front = self.upstream = self.taker = None

    def __enter__(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="bench-")
        self.directory = self.scratch.name
        os.chmod(self.directory, 0o755)  # an unprivileged worker has to get in
        self.log = open(os.path.join(self.directory, "proxy.log"), "w+")
        try:
            write_certificate(self.directory)
            write_bodies(self.directory)
            self.upstream = Upstream(self.directory, self.flags)
            self.port = self.upstream.plain
            if self.peer:
                self.start_proxy()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in (self.proxy, self.front):
            if process:
                stop(process)
        if self.upstream:
            self.upstream.stop()
        if self.taker:
            self.taker.shutdown()
        self.log.close()
        self.scratch.cleanup()

    def start_proxy(self):
        self.port = free_port()
        command, environment = self.peer.launch(self)
        begin = time.monotonic()
        self.proxy = spawn([*self.wrap, *command], PROXY_CORE, self.log, environment)
        while not self.answers():
            if self.proxy.poll() is not None or time.monotonic() - begin > self.patience:
                self.log.seek(0)
                raise RuntimeError(f"{self.peer.name} did not start: {self.log.read()[-800:]}")
            time.sleep(0.002)
        self.start_seconds = time.monotonic() - begin

    def start_front(self, command):
        """Something between the proxy and the upstream, on the other core."""
        self.front = spawn(command, LOAD_CORE, self.log)

    def answers(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.patience)
        try:
            connection.request("POST", CHAT, request_body(1, 20),
                               {"Content-Type": "application/json",
                                "Authorization": "Bearer " + CLIENT_KEY})
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        if answer.status != 200 and answer.status not in (500, 502, 503):
            raise RuntimeError(f"{self.peer.name} answers {answer.status}: {body[:300]!r}")
        return answer.status == 200 and b"every byte" in body

    def collector(self):
        """The port of a server that takes whatever is sent to it, for as long as the bench runs."""
        class Taker(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers.get("content-length", 0)))
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.taker = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taker)
        threading.Thread(target=self.taker.serve_forever, daemon=True).start()
        return self.taker.server_port

    def path(self, name):
        return os.path.join(self.directory, name)

    def load_async(self, mode, body="unary", port=None, **options):
        command = ["taskset", "-c", str(LOAD_CORE), os.path.join(BUILD, "load"), "--mode", mode,
                   "--port", str(port or self.port), "--body-file", self.path(body + ".json"),
                   "--header", "Authorization: Bearer " + CLIENT_KEY]
        for name, value in options.items():
            command += ["--" + name.replace("_", "-"), str(value)]
        return subprocess.Popen(command, stdout=subprocess.PIPE)

    def load(self, mode, body="unary", port=None, **options):
        return self.finish(self.load_async(mode, body, port, **options))

    @staticmethod
    def finish(process, patience=600):
        try:
            output = process.communicate(timeout=patience)[0]
        except BaseException:
            process.kill()
            process.wait()
            raise
        return json.loads(output)

    def memory_kb(self):
        return private_kb(self.proxy.pid)


class Window:
    """Differences between two moments: the proxy's CPU, the upstream's counters, and how much of
    the machine was busy with something that is not this bench."""

    def __init__(self, bench):
        self.bench = bench
        self.begin = self.sample()

    def sample(self):
        return {"time": time.monotonic(), "busy": machine_busy_seconds(), "own": own_busy_seconds(),
                "counters": self.bench.upstream.counters(),
                "cpu": cpu_seconds(self.bench.proxy.pid) if self.bench.proxy else 0.0}

    def end(self):
        begin, end = self.begin, self.sample()
        self.seconds = end["time"] - begin["time"]
        self.cpu = end["cpu"] - begin["cpu"]
        self.utilization = self.cpu / self.seconds
        foreign = (end["busy"] - begin["busy"]) - (end["own"] - begin["own"])
        self.foreign = max(0.0, foreign / self.seconds / (os.cpu_count() or 1))
        self.counters = {name: value - begin["counters"][name]
                         for name, value in end["counters"].items() if isinstance(value, int)}
        return self
