"""How each proxy is configured and started: one worker, connections to the upstream kept alive,
TLS sessions resumed, the upstream's certificate verified, answers passed on as they come.
"""
import glob
import os
import shutil
from dataclasses import dataclass
from typing import Callable

from rig import BUILD, CLIENT_KEY, ROOT, free_port


@dataclass
class Peer:
    name: str
    configure: Callable      # (Bench, binary) -> (command, environment)
    program: str             # looked up on PATH unless given with --bin
    streams_max: int = 10000
    pools: bool = True       # whether it shares upstream connections between clients

    def binary(self, given=None):
        return (given or {}).get(self.name) or shutil.which(self.program)

    def launch(self, bench):
        binary = self.binary(bench.binaries)
        if not binary:
            raise RuntimeError(f"{self.name}: no program '{self.program}'")
        return self.configure(bench, binary)


def write(bench, name, text):
    path = bench.path(name)
    with open(path, "w") as file:
        file.write(text)
    return path


def nginx(bench, binary, access_log="off", single_process=False):
    directory = bench.directory
    temporary = "\n".join(f"  {kind}_temp_path {directory}/{kind};" for kind in
                          ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    # With less than a sixteenth of its slots free nginx closes client connections that are between
    # requests, so there are more slots than descriptors.
    configuration = write(bench, "nginx.conf", f"""
daemon off;
master_process {'off' if single_process else 'on'};
worker_processes 1;
worker_rlimit_nofile 20000;
pid {directory}/nginx.pid;
error_log {directory}/error.log crit;
events {{ worker_connections 24000; multi_accept on; use epoll; }}
http {{
{temporary}
  access_log {access_log};
  tcp_nodelay on;
  keepalive_timeout 300s;
  keepalive_requests 100000000;
  client_max_body_size 32m;
  client_body_buffer_size 128k;
  upstream openai {{
    server 127.0.0.1:{bench.upstream.tls};
    keepalive 256;
    keepalive_requests 100000000;
    keepalive_timeout 300s;
  }}
  server {{
    listen 127.0.0.1:{bench.port} backlog=4096;
    location / {{
      proxy_pass https://openai;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 300s;
      proxy_ssl_protocols TLSv1.3;
      proxy_ssl_session_reuse on;
      proxy_ssl_name localhost;
      proxy_ssl_verify on;
      proxy_ssl_trusted_certificate {directory}/ca.pem;
    }}
  }}
}}
""")
    return [binary, "-p", directory, "-e", f"{directory}/error.log", "-c", configuration], {}


def nginx_logging(bench, binary):
    return nginx(bench, binary, access_log=bench.path("access.log") + " combined")


def nginx_single(bench, binary):
    """For callgrind and strace, which follow one process best."""
    return nginx(bench, binary, single_process=True)


def haproxy(bench, binary):
    configuration = write(bench, "haproxy.cfg", f"""
global
  nbthread 1
  maxconn 9800
  tune.maxaccept 200
defaults
  mode http
  option http-keep-alive
  option http-no-delay
  option abortonclose
  http-reuse always
  timeout connect 10s
  timeout client 300s
  timeout server 300s
  timeout http-keep-alive 300s
frontend in
  bind 127.0.0.1:{bench.port} backlog 4096
  default_backend openai
backend openai
  server one 127.0.0.1:{bench.upstream.tls} ssl verify required ca-file {bench.directory}/ca.pem \
sni str(localhost) verifyhost localhost pool-max-conn 256 pool-purge-delay 300s
""")
    return [binary, "-db", "-f", configuration], {}


def floor(bench, binary):
    return [binary, "--port", bench.port, "--upstream-port", bench.upstream.tls], {}


def litellm(bench, binary):
    configuration = write(bench, "litellm.yaml", f"""
model_list:
  - model_name: gpt-4o-mini
    litellm_params:
      model: openai/gpt-4o-mini
      api_base: https://127.0.0.1:{bench.upstream.tls}/v1
      api_key: sk-upstream
litellm_settings: {{ssl_verify: false, num_retries: 0, telemetry: false, request_timeout: 300}}
router_settings: {{num_retries: 0}}
""")
    environment = {"LITELLM_MASTER_KEY": CLIENT_KEY, "LITELLM_LOG": "ERROR", "NO_PROXY": "*",
                   "LITELLM_LOCAL_MODEL_COST_MAP": "True", "HOME": bench.directory}
    return [binary, "--config", configuration, "--host", "127.0.0.1", "--port", bench.port,
            "--num_workers", "1", "--telemetry", "False"], environment


OPENAI = """type: openai
    base_url: "https://127.0.0.1:{port}/v1\""""
# The same clients in front of a server of another dialect: the translate lane.
ANTHROPIC = """type: anthropic
    base_url: "https://127.0.0.1:{port}\""""
KEY = "api_key: sk-upstream"
# The Models API with its login by client credentials.
SALESFORCE = """type: salesforce
    instance_url: "https://127.0.0.1:{port}"
    api_url: "https://127.0.0.1:{port}\""""
SALESFORCE_LOGIN = """consumer_key: bench
    consumer_secret: bench"""


# Nothing is told of requests: no line, no metrics, and so no costs.
QUIET = """observability:
  metrics: false
  log: {requests: false}
"""
# Every request is two spans too, sent to a collector in batches.
EXPORTING = """observability:
  otlp: {endpoint: "http://127.0.0.1:%d"}
"""
# Everything that can be told of a request, to a collector and to Langfuse.
OBSERVED = """observability:
  otlp: {endpoint: "http://127.0.0.1:%d"}
  langfuse:
    base_url: "http://127.0.0.1:%d"
    public_key: pk-lf-bench
    secret_key: sk-lf-bench
    content: %s
"""


def ours(bench, binary, *flags, provider=OPENAI, model="gpt-4o-mini", login=KEY, more=""):
    """Keys, routing, metrics and the access log on; the log goes where the process's output goes,
    which is a file."""
    configuration = write(bench, "gateway.yaml", f"""
server:
  host: 127.0.0.1
  port: {bench.port}
  workers: 1
auth:
  mode: keys
  keys:
    - {{name: bench, key: "{CLIENT_KEY}"}}
providers:
  bench:
    {provider.format(port=bench.upstream.tls)}
    {login}
    ca_file: "{bench.directory}/ca.pem"
models:
  "gpt-4o-mini": {{provider: bench, model: {model}}}
{more}""")
    return ([binary, "serve", "--no-supervisor", "--config", configuration, *flags],
            {"STATE_DIR": bench.directory})


def ours_quiet(bench, binary):
    return ours(bench, binary, more=QUIET)


def ours_exporting(bench, binary):
    return ours(bench, binary, more=EXPORTING % bench.collector())


def ours_observed(bench, binary, content="false"):
    port = bench.collector()
    return ours(bench, binary, more=OBSERVED % (port, port, content))


def ours_observed_content(bench, binary):
    """Prompts and answers to Langfuse too."""
    return ours_observed(bench, binary, content="true")


def ours_translating(bench, binary):
    return ours(bench, binary, provider=ANTHROPIC, model="claude-sonnet-4-5-20250929")


def front(bench):
    """An nginx that speaks HTTP/2 and HTTP/1.1 over TLS before the mock upstream. What it costs is
    nobody's figure: it is there for the two peers below to differ in the protocol only."""
    port = free_port()
    directory = bench.path("front")
    os.makedirs(directory)
    temporary = "\n".join(f"  {kind}_temp_path {directory}/{kind};" for kind in
                          ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    configuration = write(bench, "front.conf", f"""
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/error.log crit;
events {{ worker_connections 4096; }}
http {{
{temporary}
  access_log off;
  keepalive_requests 100000000;
  http2_max_requests 100000000;
  client_max_body_size 32m;
  upstream mock {{ server 127.0.0.1:{bench.upstream.plain}; keepalive 256; }}
  server {{
    listen 127.0.0.1:{port} ssl http2;
    ssl_certificate {bench.directory}/cert.pem;
    ssl_certificate_key {bench.directory}/key.pem;
    location / {{
      proxy_pass http://mock;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
""")
    bench.start_front(["nginx", "-p", directory, "-e", f"{directory}/error.log", "-c", configuration])
    return port


def ours_behind_http1(bench, binary):
    return ours(bench, binary, provider=OPENAI.replace("{port}", str(front(bench))))


def ours_behind_http2(bench, binary):
    place = OPENAI.replace("{port}", str(front(bench)))
    return ours(bench, binary, provider=place + "\n    http2: true")


def ours_salesforce(bench, binary):
    return ours(bench, binary, provider=SALESFORCE, model="gpt-4", login=SALESFORCE_LOGIN)


def newest_build():
    """The release binary that was linked last, by whichever build system's folder it is in."""
    found = [path for pattern in (".build/*/release/gateway", ".build/release/gateway")
             for path in glob.glob(os.path.join(ROOT, pattern))]
    return max(found, key=os.path.getmtime, default=None)


PEERS = {peer.name: peer for peer in (
    Peer("nginx", nginx, "nginx"),
    Peer("nginx-log", nginx_logging, "nginx"),
    Peer("haproxy", haproxy, "haproxy"),
    Peer("floor", floor, os.path.join(BUILD, "relay"), pools=False),
    Peer("ours", ours, ""),
    Peer("ours-quiet", ours_quiet, ""),
    Peer("ours-exporting", ours_exporting, ""),
    Peer("ours-observed", ours_observed, ""),
    Peer("ours-observed-content", ours_observed_content, ""),
    Peer("ours-translating", ours_translating, ""),
    Peer("ours-behind-http1", ours_behind_http1, ""),
    Peer("ours-behind-http2", ours_behind_http2, ""),
    Peer("ours-salesforce", ours_salesforce, ""),
    Peer("litellm", litellm, "litellm", streams_max=200),
)}


def select(names, binaries):
    """The named peers; one whose program is missing is left out with a word about it."""
    if not binaries.get("ours") and newest_build():
        binaries["ours"] = newest_build()
    if binaries.get("ours"):
        for name in PEERS:
            if name.startswith("ours-"):
                binaries.setdefault(name, binaries["ours"])
    if binaries.get("nginx"):
        binaries.setdefault("nginx-log", binaries["nginx"])
    chosen = []
    for name in names:
        if name not in PEERS:
            raise SystemExit(f"no peer '{name}'; there are: {', '.join(PEERS)}")
        if PEERS[name].binary(binaries):
            chosen.append(PEERS[name])
        else:
            print(f"{name}: left out, its program is not installed")
    return chosen
