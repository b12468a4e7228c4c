# The verbs beside serve: what they print, where, and the code that they leave with. Each runs as a person or a
# script would run it.

import json
import os
import pty
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from gateway_process import binary, clean_environment, free_port
from raw_http import ask, chat, get

FAST = {"type": "simulator", "ttft": "1ms", "tokens_per_second": 2000}


def run(*arguments, cwd, stdin="", within=30, **environment):
    return subprocess.run([binary(), *arguments], cwd=cwd, input=stdin, capture_output=True, text=True, timeout=within,
                          env=clean_environment(XDG_STATE_HOME=str(cwd), **environment))


def configure(directory, **config):
    port = free_port()
    config = {"server": {"port": port, "workers": 2}, "providers": {"sim": FAST}, **config}
    (directory / "gateway.yaml").write_text(json.dumps(config))
    return port


@pytest.fixture
def place(tmp_path):
    """A directory with a configuration; whatever was started there is stopped."""
    yield tmp_path
    run("stop", "--now", cwd=tmp_path)


@pytest.fixture(scope="module")
def sim(start_simulator):
    return start_simulator(options=["--ttft", "1", "--tokens-per-second", "2000"])


def exists(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


# -- start, stop, status, restart, test ---------------------------------------------------------------------------


def test_a_gateway_in_the_background(place):
    port = configure(place)
    assert run("status", cwd=place).returncode == 3
    started = run("start", cwd=place)
    assert started.returncode == 0, started.stdout + started.stderr
    status = json.loads(run("status", "--json", cwd=place).stdout)
    assert status["running"] and status["healthy"] and len(status["workers"]) == 2
    assert status["url"] == f"http://127.0.0.1:{port}" and 0 <= status["uptime_seconds"] < 60
    pid = status["pid"]
    assert Path(status["pid_file"]).read_text().splitlines() == [str(pid), status["url"]]
    # in a session of its own, without a terminal, its log in a file
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    assert int(fields[3]) == pid and int(fields[4]) == 0
    assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
    log = place / "gateway" / "gateway.log"
    assert os.readlink(f"/proc/{pid}/fd/1") == str(log) and os.readlink(f"/proc/{pid}/fd/2") == str(log)
    assert ask(port, chat("sim-1")).status == 200
    # a second one does not start
    second = run("start", cwd=place)
    assert second.returncode == 1 and f"process {pid}" in second.stderr
    text = run("status", cwd=place)
    assert text.returncode == 0 and "gateway is running" in text.stdout and "healthy" in text.stdout
    assert "\x1b" not in text.stdout
    # restart is another process on the same port
    assert run("restart", cwd=place).returncode == 0
    other = json.loads(run("status", "--json", cwd=place).stdout)["pid"]
    assert other != pid and not exists(pid) and ask(port, get("/health"), "GET").status == 200
    # killed, it leaves its file behind, and that does not stand in the way
    os.kill(other, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while run("status", cwd=place).returncode != 1:
        assert time.monotonic() < deadline
    assert run("stop", cwd=place).returncode == 0
    deadline = time.monotonic() + 10
    while run("start", cwd=place).returncode != 0:  # until the last worker has let the port go
        assert time.monotonic() < deadline
    stopped = run("stop", cwd=place)
    assert stopped.returncode == 0 and "has stopped" in stopped.stdout
    assert run("status", cwd=place).returncode == 3 and list((place / "gateway").glob("*.pid")) == []
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert any(r.get("path") == "/v1/chat/completions" for r in records)


def test_files_lie_where_that_is_said(place):
    configure(place, service={"pid_file": "run/here.pid", "log_file": str(place / "log" / "gunicorn.log")})
    assert run("start", cwd=place).returncode == 0
    assert (place / "run" / "here.pid").exists() and (place / "log" / "gunicorn.log").stat().st_size > 0
    assert run("stop", cwd=place).returncode == 0
    (place / "gateway.yaml").write_text('{"service": {"pid_file": "/proc/nowhere/x.pid"}}')
    failed = run("start", cwd=place)
    assert failed.returncode == 1 and "service.pid_file" in failed.stderr


def test_what_does_not_come_up_is_told(place):
    port = configure(place)
    (place / "gateway.yaml").write_text('{"server": {"prot": 1}}')
    assert run("start", cwd=place).returncode == 78
    (place / "gateway.yaml").write_text(json.dumps({"server": {"port": port}}))
    assert run("start", cwd=place).returncode == 0
    other = run("start", "--pid-file", str(place / "other.pid"), "--log-file", str(place / "other.log"), cwd=place)
    assert other.returncode == 1 and "other.log says why" in other.stderr
    assert "in use" in (place / "other.log").read_text() and not (place / "other.pid").exists()


def test_test_asks_the_running_gateway(place):
    configure(place, auth={"keys": [{"name": "me", "key": "sk-client-secret-1"}]})
    down = run("test", cwd=place)
    assert down.returncode == 1 and "could not be reached" in down.stderr
    assert run("start", cwd=place).returncode == 0
    result = run("test", "-n", "10", cwd=place)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "it works" in result.stdout and result.stdout.count("succeeded 10, failed 0") == 2
    assert "sk-client-secret-1" not in result.stdout + result.stderr
    broken = run("test", "-n", "2", "--model", "sim-500", cwd=place)
    assert broken.returncode == 1 and "it does not work" in broken.stdout


def test_a_changed_file_is_read_in_development(place):
    port = configure(place)
    assert run("start", cwd=place, ENVIRONMENT="development").returncode == 0
    config = json.loads((place / "gateway.yaml").read_text())
    config["providers"]["other"] = FAST
    (place / "gateway.yaml").write_text(json.dumps(config))
    deadline = time.monotonic() + 10
    while ask(port, get("/health"), "GET").json()["configuration"]["providers"] != 2:
        assert time.monotonic() < deadline, (place / "gateway" / "gateway.log").read_text()[-2000:]
        time.sleep(0.05)
    # a mistake is told, and the last good one stays
    (place / "gateway.yaml").write_text('{"servr": {}}')
    log = place / "gateway" / "gateway.log"
    while "reload_refused" not in log.read_text():
        assert time.monotonic() < deadline + 10
        time.sleep(0.05)
    assert ask(port, chat("sim-1")).status == 200
    (place / "gateway.yaml").write_text(json.dumps(config))


# -- models, chat, bench, keys ------------------------------------------------------------------------------------


def test_models_are_listed(sim, tmp_path):
    listed = run("models", "--url", sim.url, cwd=tmp_path)
    assert listed.returncode == 0 and listed.stdout.split()[0] == "sim"
    assert json.loads(run("models", "--json", cwd=tmp_path, GATEWAY_URL=sim.url).stdout)["object"] == "list"
    gone = run("models", "--url", f"http://127.0.0.1:{free_port()}", cwd=tmp_path)
    assert gone.returncode == 1 and "could not be reached (ECONNREFUSED)" in gone.stderr and gone.stdout == ""
    assert run("models", "--url", "example.com", cwd=tmp_path).returncode == 64


@pytest.mark.parametrize("form", ["--stream", "--no-stream"])
def test_one_question(sim, tmp_path, form):
    answer = run("chat", "--url", sim.url, "-m", "sim-echo", form, "Hello there, you", cwd=tmp_path)
    assert answer.returncode == 0 and answer.stdout == "Hello there, you\n"
    assert " tokens in " in answer.stderr and " tokens/s]" in answer.stderr and "\x1b" not in answer.stderr
    piped = run("chat", "--url", sim.url, "-m", "sim-echo", "-q", form, cwd=tmp_path, stdin="two\nlines\n")
    assert piped.stdout == "two\nlines\n" and piped.stderr == ""
    failed = run("chat", "--url", sim.url, "-m", "sim-429", form, "x", cwd=tmp_path)
    assert failed.returncode == 1 and failed.stderr.startswith("gateway chat: HTTP 429: ") and failed.stdout == ""


def test_a_cut_answer_is_not_taken_for_a_whole_one(sim, tmp_path):
    cut = run("chat", "--url", sim.url, "-m", "sim-cut", "x", cwd=tmp_path)
    assert cut.returncode == 1 and cut.stdout != "" and "was lost" in cut.stderr


def test_a_conversation(sim, tmp_path):
    lines = "first\n/nothing\n/model sim-429\nfails\n/model sim-echo\nlast one\n/quit\nnever\n"
    talk = run("chat", "--url", sim.url, "-m", "sim-echo", "-i", cwd=tmp_path, stdin=lines)
    assert talk.returncode == 0 and talk.stdout == "first\nlast one\n"
    assert "there is no /nothing" in talk.stderr and "HTTP 429" in talk.stderr


def test_functions_are_run_here(sim, tmp_path):
    # The simulator calls with sample arguments: what it gets back is a sentence for the model.
    called = run("chat", "--url", sim.url, "-m", "sim-tool", "--tools", "2+2?", cwd=tmp_path)
    assert called.returncode == 0 and called.stdout.strip() != ""
    assert "[calls calculate(" in called.stderr and "[result " in called.stderr


def test_a_terminal_gets_colour_and_ctrl_c_ends_the_answer_only(start_simulator, tmp_path):
    slow = start_simulator(options=["--ttft", "1", "--tokens-per-second", "20"])
    ours, theirs = pty.openpty()
    process = subprocess.Popen([binary(), "chat", "--url", slow.url, "-m", "sim-1"], cwd=tmp_path, stdin=theirs,
                               stdout=theirs, stderr=theirs, env=clean_environment(TERM="xterm"), start_new_session=True)
    os.close(theirs)
    shown = bytearray()

    def collect():
        try:
            while True:
                shown.extend(os.read(ours, 4096))
        except OSError:
            pass

    threading.Thread(target=collect, daemon=True).start()

    def await_text(text, within=10):
        deadline = time.monotonic() + within
        while text not in shown:
            assert time.monotonic() < deadline, bytes(shown)
            time.sleep(0.01)

    try:
        await_text(b"\x1b[1m> ")
        os.write(ours, b"talk\n")
        await_text(b"Lorem")
        process.send_signal(signal.SIGINT)
        await_text(b"interrupted")
        os.write(ours, b"/quit\n")
        assert process.wait(5) == 0
    finally:
        process.kill()
        os.close(ours)


def test_bench_measures_and_counts(sim, tmp_path):
    result = run("bench", "--url", sim.url, "-m", "sim-1", "-n", "40", "-c", "8", "--max-tokens", "8", "--json",
                 cwd=tmp_path)
    assert result.returncode == 0 and result.stderr == ""
    report = json.loads(result.stdout)
    unary, stream = report["runs"]
    for each in (unary, stream):
        assert each["requests"] == each["succeeded"] == 40 and each["failures"] == {} and each["concurrency"] == 8
        assert each["tokens"] == 320 and each["tokens_counted_by_server"] and each["tokens_per_second"] > 0
        total = each["milliseconds"]["total"]
        assert total["count"] == 40 and 0 < total["min"] <= total["p50"] <= total["p99"] <= total["max"]
    assert "first_token" not in unary["milliseconds"]
    assert stream["milliseconds"]["first_token"]["count"] == 40
    assert stream["milliseconds"]["between_tokens"]["count"] == 40 * 7
    timed = run("bench", "--url", sim.url, "-m", "sim-1", "-d", "300ms", "--mode", "unary", "--max-tokens", "8",
                cwd=tmp_path)
    assert timed.returncode == 0 and "requests/s" in timed.stdout


def test_bench_tells_failures_apart(sim, tmp_path):
    result = run("bench", "--url", sim.url, "-m", "sim-503", "-n", "6", "--mode", "stream", cwd=tmp_path)
    assert result.returncode == 1 and "6 x HTTP 503: " in result.stdout
    cut = run("bench", "--url", sim.url, "-m", "sim-nodone", "-n", "3", "--mode", "stream", "--json", cwd=tmp_path)
    report = json.loads(cut.stdout)["runs"][0]
    assert cut.returncode == 1 and report["failed"] == 3 and len(report["failures"]) == 1
    assert run("bench", "--url", sim.url, "-m", "x", "-c", "0", cwd=tmp_path).returncode == 64


def test_keys_are_made_hashed_and_listed(place):
    made = json.loads(run("keys", "new", "team-a", "--json", cwd=place).stdout)
    assert made["key"].startswith("sk-gw-") and made["name"] == "team-a"
    hashed = run("keys", "hash", cwd=place, stdin=made["key"] + "\n")
    assert hashed.stdout.strip() == made["sha256"]
    assert run("keys", "hash", cwd=place, stdin="\n").returncode == 1
    port = configure(place, auth={"keys": [
        {"name": made["name"], "sha256": made["sha256"], "models": ["sim*"], "rpm": 60},
        {"name": "other", "key": "sk-client-secret-2", "admin": True}]})
    listed = run("keys", "list", cwd=place)
    assert "team-a" in listed.stdout and "60 requests/min" in listed.stdout and "admin" in listed.stdout
    assert "sk-client-secret" not in listed.stdout and made["sha256"] not in listed.stdout
    assert run("start", cwd=place).returncode == 0
    assert ask(port, chat("sim-1", headers=[("Authorization", f"Bearer {made['key']}")])).status == 200
    assert ask(port, chat("sim-1")).status == 401
    # the verbs find the configuration's own key
    assert run("chat", "-m", "sim-echo", "hi", cwd=place).stdout == "hi\n"
    assert run("chat", "-m", "sim-echo", "hi", cwd=place, GATEWAY_API_KEY="wrong").returncode == 1


# -- the command line itself --------------------------------------------------------------------------------------


def test_every_verb_explains_itself(tmp_path):
    root = run("--help", cwd=tmp_path).stdout
    for verb in ("serve", "check", "start", "stop", "restart", "status", "test", "models", "chat", "bench", "keys",
                 "simulate", "version"):
        assert f"\n  {verb}" in root
        assert run(verb, "--help", cwd=tmp_path).returncode == 0
    assert run("version", cwd=tmp_path).stdout.startswith("gateway ")
    assert run("bench", "--nonsense", cwd=tmp_path).returncode == 64


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_are_written_for_every_shell(shell, tmp_path):
    script = run("--generate-completion-script", shell, cwd=tmp_path)
    assert script.returncode == 0 and "bench" in script.stdout
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script.stdout, text=True, check=True)
