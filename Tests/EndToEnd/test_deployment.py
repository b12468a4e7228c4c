# The files of deploy/ against the program: what they name exists, ports and probes are the program's, clocks fit each
# other, the image's file system runs it. No container engine and no cluster are needed for that.

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import jsonschema
import pytest
import yaml

from gateway_process import binary, clean_environment, free_port
from raw_http import ask, chat, get

REPOSITORY = Path(__file__).resolve().parents[2]
DEPLOY = REPOSITORY / "deploy"


def run(*arguments, within=30, **options):
    return subprocess.run(arguments, capture_output=True, text=True, timeout=within, **options)


def gateway(*arguments, cwd, **environment):
    return run(binary(), *arguments, cwd=cwd, env=clean_environment(HOME=str(cwd), **environment))


def documents(path):
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def kubernetes(kind):
    found = [d for path in (DEPLOY / "kubernetes").glob("*.yaml") for d in documents(path) if d["kind"] == kind]
    assert len(found) == 1, f"{len(found)} x {kind}"
    return found[0]


def seconds(text):
    """`45s`, `1m30s` as the program writes times."""
    units = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([0-9.]+)(ms|h|m|s)", str(text)))


def effective(config_file, cwd, **environment):
    """The configuration that a file comes to."""
    checked = gateway("check", "--config", str(config_file), cwd=cwd, **environment)
    assert checked.returncode == 0, checked.stderr
    assert "warning" not in checked.stderr, checked.stderr
    return yaml.safe_load(checked.stdout)


def leaving_time(configuration):
    return seconds(configuration["server"]["shutdown_grace"]) + seconds(configuration["server"]["drain_delay"])


@pytest.mark.parametrize("path", sorted(DEPLOY.rglob("*.yaml")) + sorted(DEPLOY.rglob("*.yml")),
                         ids=lambda path: str(path.relative_to(DEPLOY)))
def test_every_file_is_yaml(path):
    assert documents(path)


# -- Kubernetes ---------------------------------------------------------------------------------------------------


def test_the_cluster_runs_a_configuration_that_holds(tmp_path):
    text = kubernetes("ConfigMap")["data"]["gateway.yaml"]
    (tmp_path / "gateway.yaml").write_text(text)
    secrets = kubernetes("Secret")["stringData"]
    assert set(re.findall(r"\$\{([A-Z_]+)", text)) == set(secrets), "the secret holds what the configuration names"
    assert set(secrets.values()) == {"replace-me"}
    configuration = effective(tmp_path / "gateway.yaml", tmp_path, **{k: f"sk-{i}" for i, k in enumerate(secrets)})
    pod = kubernetes("Deployment")["spec"]["template"]["spec"]
    container = pod["containers"][0]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": configuration["server"]["port"]}
    assert kubernetes("Service")["spec"]["ports"][0]["targetPort"] == "http"
    assert kubernetes("Deployment")["spec"]["template"]["metadata"]["annotations"]["prometheus.io/port"] == str(ports["http"])
    assert configuration["server"]["host"] == "0.0.0.0"
    assert int(configuration["server"]["workers"]) == int(container["resources"]["limits"]["cpu"])
    assert pod["terminationGracePeriodSeconds"] > leaving_time(configuration)
    # readiness goes before the listener does: a node must have noticed by then
    ready = container["readinessProbe"]
    assert ready["periodSeconds"] * ready["failureThreshold"] < seconds(configuration["server"]["drain_delay"])


def test_the_cluster_asks_what_the_program_answers(start_gateway):
    container = kubernetes("Deployment")["spec"]["template"]["spec"]["containers"][0]
    running = start_gateway({"providers": {"sim": {"type": "simulator"}}})
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = container[probe]["httpGet"]
        assert asked["port"] == "http"
        assert ask(running.port, get(asked["path"]), "GET").status == 200
    annotations = kubernetes("Deployment")["spec"]["template"]["metadata"]["annotations"]
    assert ask(running.port, get(annotations["prometheus.io/path"]), "GET").status == 200
    assert run(binary(), container["args"][0], "--help").returncode == 0


def test_the_clusters_parts_name_each_other():
    deployment = kubernetes("Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    name = deployment["metadata"]["name"]
    for selector in (deployment["spec"]["selector"]["matchLabels"], kubernetes("Service")["spec"]["selector"],
                     kubernetes("PodDisruptionBudget")["spec"]["selector"]["matchLabels"]):
        assert selector.items() <= labels.items()
    scaler = kubernetes("HorizontalPodAutoscaler")["spec"]
    assert scaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    assert 2 <= scaler["minReplicas"] < scaler["maxReplicas"] and "replicas" not in deployment["spec"]
    pod = deployment["spec"]["template"]["spec"]
    volumes = {v["name"]: v for v in pod["volumes"]}
    assert {m["name"] for m in pod["containers"][0]["volumeMounts"]} == set(volumes)
    assert volumes["configuration"]["configMap"]["name"] == kubernetes("ConfigMap")["metadata"]["name"]
    assert pod["containers"][0]["envFrom"][0]["secretRef"]["name"] == kubernetes("Secret")["metadata"]["name"]
    listed = kubernetes("Kustomization")["resources"]
    there = {p.name for p in (DEPLOY / "kubernetes").glob("*.yaml")} - {"kustomization.yaml"}
    assert set(listed) == there
    security = pod["containers"][0]["securityContext"]
    assert security["readOnlyRootFilesystem"] and security["capabilities"] == {"drop": ["ALL"]}
    assert not security["allowPrivilegeEscalation"] and pod["securityContext"]["runAsNonRoot"]


# -- the container ------------------------------------------------------------------------------------------------


def dockerfile():
    """Its instructions: [(word, rest)], with joined lines."""
    text = re.sub(r"\\\n", " ", (DEPLOY / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


def test_the_dockerfile_builds_what_the_repository_has(tmp_path):
    steps = dockerfile()
    words = [word for word, _ in steps]
    assert words.count("FROM") == 2 and [rest for word, rest in steps if word == "FROM"][-1] == "scratch"
    for word, rest in steps:
        if word == "RUN" and rest.startswith(("./dev", "deploy/")):
            program = rest.split()[0]
            assert os.access(REPOSITORY / program, os.X_OK), program
            if program == "./dev":
                assert f"verb_{rest.split()[1]}()" in (REPOSITORY / "dev").read_text()
    single = {word: rest for word, rest in steps if word in ("USER", "EXPOSE", "ENTRYPOINT", "CMD", "STOPSIGNAL", "WORKDIR")}
    user = single["USER"].split(":")[0]
    assert user == "1001" and f"user={user}" in (DEPLOY / "image.sh").read_text()
    environment = dict(pair.split("=") for word, rest in steps if word == "ENV" for pair in rest.split())
    assert environment["HOST"] == "0.0.0.0" and environment["PORT"] == single["EXPOSE"]
    # without a word on access it does not start
    refused = gateway("check", cwd=tmp_path, **environment)
    assert refused.returncode == 78 and "auth" in refused.stderr
    assert gateway("check", cwd=tmp_path, AUTH_MODE="open", **environment).returncode == 0
    assert gateway("check", cwd=tmp_path, LOCAL_API_KEY="sk-client", **environment).returncode == 0
    verb = json.loads(single["CMD"])
    assert json.loads(single["ENTRYPOINT"]) == ["/usr/bin/gateway"] and run(binary(), *verb, "--help").returncode == 0
    check = next(rest for word, rest in steps if word == "HEALTHCHECK")
    command = json.loads(check[check.index("CMD") + 3:])
    assert command[0] == "/usr/bin/gateway" and run(binary(), *command[1:], "--help").returncode == 0


def test_the_compose_file_fits(tmp_path):
    compose = documents(DEPLOY / "compose.yaml")[0]
    service = compose["services"]["gateway"]
    assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).exists()
    exposed = next(rest for word, rest in dockerfile() if word == "EXPOSE")
    assert service["ports"] == [f"{exposed}:{exposed}"]
    assert seconds(service["stop_grace_period"]) > leaving_time(effective(os.devnull, tmp_path))
    for other in compose["services"].values():
        for mount in other.get("volumes", []):
            source = mount.split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).exists(), source
            else:
                assert source in compose["volumes"]
        assert set(other.get("depends_on", [])) <= set(compose["services"])
        assert set(other.get("secrets", [])) <= set(compose["secrets"])
    scraped = documents(DEPLOY / "prometheus" / "prometheus.yml")[0]["scrape_configs"][0]
    assert scraped["static_configs"][0]["targets"] == [f"gateway:{exposed}"]
    assert scraped["authorization"]["credentials_file"] == "/run/secrets/" + compose["services"]["prometheus"]["secrets"][0]


def test_prometheus_may_read_with_the_key_that_compose_gives_it(start_gateway):
    running = start_gateway({"providers": {"sim": {"type": "simulator"}}}, environment={"LOCAL_API_KEY": "sk-client-secret-7"})
    path = documents(DEPLOY / "prometheus" / "prometheus.yml")[0]["scrape_configs"][0]["metrics_path"]
    assert ask(running.port, get(path), "GET").status == 401
    scraped = ask(running.port, get(path, [("Authorization", "Bearer sk-client-secret-7")]), "GET")
    assert scraped.status == 200 and b"gateway_" in scraped.body


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    root = tmp_path_factory.mktemp("image")
    laid = run(str(DEPLOY / "image.sh"), binary(), str(root))
    assert laid.returncode == 0, laid.stderr
    return root


def test_the_image_is_small_and_has_no_shell(image):
    files = [path for path in image.rglob("*") if path.is_file() and not path.is_symlink()]
    assert sum(path.stat().st_size for path in files) < 80 << 20
    programs = [path for path in files if os.access(path, os.X_OK) and path.suffix != ".so" and ".so." not in path.name]
    assert [path.name for path in programs] == ["gateway"]
    assert (image / "usr/lib/ssl/cert.pem").resolve() == image / "etc/ssl/certs/ca-certificates.crt"
    assert (image / "usr/share/zoneinfo/Europe/Oslo").exists()


def inside(root, *arguments):
    """The command line that runs the image's program as the container would: process 1, user 1001, nothing else there."""
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={root}/proc",
            "chroot", "--userspec=1001:1001", str(root), "/usr/bin/gateway", *arguments]


@pytest.fixture
def contained(image):
    (image / "proc").mkdir(exist_ok=True)
    if run(*inside(image, "version")).returncode != 0:
        pytest.skip("needs root, to enter another root directory")
    return image


def test_the_image_runs(contained):
    port = free_port()
    environment = {"HOST": "0.0.0.0", "PORT": str(port), "ENVIRONMENT": "production", "STATE_DIR": "/var/lib/gateway"}
    refused = run(*inside(contained, "serve"), env=clean_environment(**environment))
    assert refused.returncode == 78 and "can be reached from other machines" in refused.stderr
    environment["AUTH_MODE"] = "open"
    running = subprocess.Popen(inside(contained, "serve"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               env=clean_environment(**environment))
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                assert ask(port, get("/readyz"), "GET").status == 200
                break
            except OSError:
                assert running.poll() is None and time.monotonic() < deadline, running.stdout.read()
                time.sleep(0.02)
        assert ask(port, chat("sim-1")).status == 200
        # the health check of the Dockerfile, from within
        healthy = run(*inside(contained, "status", "--probe"), env=clean_environment(**environment))
        assert healthy.returncode == 0 and "healthy" in healthy.stdout, healthy.stdout + healthy.stderr
        # as user 1001; its supervisor is process 1 there
        supervisor = int(Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()[0])
        status = Path(f"/proc/{supervisor}/status").read_text()
        assert re.search(r"^Uid:\s+1001\s+1001", status, re.M) and re.search(r"^NSpid:\s+\d+\s+1$", status, re.M)
        os.kill(supervisor, signal.SIGTERM)
        assert running.wait(10) == 0
        gone = run(*inside(contained, "status", "--probe"), env=clean_environment(**environment))
        assert gone.returncode == 4 and "could not be reached" in gone.stdout
    finally:
        running.kill()
        running.stdout.close()


# -- systemd ------------------------------------------------------------------------------------------------------


def unit():
    """The unit's settings: {section: {key: [values]}}."""
    sections, current = {}, None
    for line in (DEPLOY / "gateway.service").read_text().splitlines():
        if line.startswith("["):
            current = sections.setdefault(line.strip("[]"), {})
        elif "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            current.setdefault(key, []).append(value)
    return sections


def test_the_unit_starts_the_program(tmp_path):
    service = unit()["Service"]
    (tmp_path / "gateway.yaml").write_text("{}")
    for key in ("ExecStartPre", "ExecStart"):
        program, verb, *arguments = service[key][0].split()
        assert program == "/usr/local/bin/gateway"
        assert run(binary(), verb, "--help").returncode == 0
        assert arguments == ["--config", "/etc/gateway/gateway.yaml"]
    assert service["RestartPreventExitStatus"] == ["64 78"] and service["KillMode"] == ["mixed"]
    assert float(service["TimeoutStopSec"][0]) > leaving_time(effective(tmp_path / "gateway.yaml", tmp_path))
    environment = dict(pair.split("=") for pair in service["Environment"][0].split())
    assert environment["STATE_DIR"] == "/var/lib/" + service["StateDirectory"][0]


def test_systemd_accepts_the_unit(tmp_path):
    assert shutil.which("systemd-analyze"), "./dev setup installs it"
    # The program is not installed here.
    text = (DEPLOY / "gateway.service").read_text().replace("/usr/local/bin/gateway", binary())
    (tmp_path / "gateway.service").write_text(text)
    verified = run("systemd-analyze", "verify", "--man=no", str(tmp_path / "gateway.service"))
    said = [line for line in verified.stderr.splitlines() if "gateway.service" in line]
    assert verified.returncode == 0 and said == [], verified.stderr
    rated = run("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20",
                str(tmp_path / "gateway.service"))
    assert rated.returncode == 0, rated.stdout[-500:]


# -- the configuration's schema -----------------------------------------------------------------------------------


def test_editors_get_a_schema_that_tells_right_from_wrong(tmp_path):
    schema = json.loads(gateway("check", "--schema", cwd=tmp_path).stdout)
    assert schema == json.loads((REPOSITORY / "docs" / "configuration.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    good = documents(REPOSITORY / "gateway.example.yaml")[0]
    assert [e.message for e in validator.iter_errors(good)] == []
    assert [e.message for e in validator.iter_errors(yaml.safe_load(kubernetes("ConfigMap")["data"]["gateway.yaml"]))] == []
    # What `gateway check` prints reads as the same configuration.
    example = REPOSITORY / "gateway.example.yaml"
    names = set(re.findall(r"\$\{([A-Z_]+)", example.read_text()))
    shutil.copy(example, tmp_path / "gateway.yaml")
    checked = gateway("check", cwd=tmp_path, **{name: "k" for name in names})
    assert checked.returncode == 0, checked.stderr
    printed = yaml.safe_load(checked.stdout)
    assert [e.message for e in validator.iter_errors(printed)] == []
    for wrong in ({"server": {"prot": 1}}, {"server": {"port": 70000}}, {"server": {"port": "many"}}, {"server": []},
                  {"server": {"heartbeat_interval": "15"}}, {"server": {"limits": {"body": "1 MB"}}}, {"auth": {"mode": "opn"}},
                  {"auth": {"keys": [{"key": "k"}]}}, {"providers": {"x": {"type": "nobody"}}},
                  {"providers": {"x": {"type": "openai", "location": "eu"}}}, {"providers": {"x": {}}}):
        assert not validator.is_valid(wrong), wrong
    for right in ({}, {"server": {"port": "${PORT:-8000}", "workers": "auto"}}, {"server": {"limits": {"body": "32MiB"}}},
                  {"providers": {"x": {"type": "simulator", "ttft": "50ms"}}}):
        assert validator.is_valid(right), right
