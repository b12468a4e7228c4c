# ApacheBench, as many people try a server first: a POST file, ten at a time, no failure of any kind.

import json
import re
import shutil
import subprocess

import pytest

from raw_http import chat_body


@pytest.fixture(scope="module")
def gateway(start_gateway, provider):
    return start_gateway({"providers": {"sim": {"type": "simulator", "ttft": "1ms", "tokens_per_second": 0}, "openai": provider()}})


@pytest.mark.skipif(not shutil.which("ab"), reason="ab (apache2-utils) is not installed")
@pytest.mark.parametrize("options", [[], ["-k"]], ids=["one request a connection", "keep-alive"])
@pytest.mark.parametrize("model", ["sim", "gpt-x"])
def test_ab_reports_no_failure(gateway, upstream, tmp_path, model, options):
    body = tmp_path / "post.json"
    body.write_text(json.dumps(chat_body(model, "Hello")))
    target = f"http://127.0.0.1:{gateway.port}/v1/chat/completions"
    command = ["ab", "-q", "-n", "100", "-c", "10", *options, "-p", str(body), "-T", "application/json", target]
    report = subprocess.run(command, capture_output=True, text=True, timeout=50)
    assert report.returncode == 0, report.stdout + report.stderr
    assert re.search(r"Complete requests:\s+100\b", report.stdout), report.stdout
    assert re.search(r"Failed requests:\s+0\b", report.stdout), report.stdout
    assert "Non-2xx responses" not in report.stdout
    if options:
        assert re.search(r"Keep-Alive requests:\s+100\b", report.stdout), report.stdout
