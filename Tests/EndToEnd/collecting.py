# Configuration that sends records of requests to the stand-ins of mocks/collectors.py, and one number of /metrics.

import re

from mocks.collectors import COLLECTOR_KEY, LANGFUSE_PUBLIC, LANGFUSE_SECRET
from raw_http import ask, get


def langfuse_block(mock, certificates, **fields):
    return {"public_key": LANGFUSE_PUBLIC, "secret_key": LANGFUSE_SECRET, "base_url": mock.url,
            "ca_file": certificates.ca_file, "flush_interval": "50ms", **fields}


def otlp_block(mock, certificates, **fields):
    return {"endpoint": mock.url, "headers": {"authorization": f"Bearer {COLLECTOR_KEY}"},
            "ca_file": certificates.ca_file, "flush_interval": "50ms", "metrics_interval": "100ms", **fields}


def metric(gateway, name):
    text = ask(gateway.port, get("/metrics"), "GET").body.decode()
    return float(re.search(re.escape(name) + " ([0-9.]+)", text)[1])
