# Fixtures: certificates, the fake upstream, gateways by configuration. The checks that hold for every test
# (nothing forbidden reached the upstream, the gateway is alive) are made here, so no test can forget them.

import ssl
import threading

import openai
import pytest

from certificates import Certificates
from fake_upstream import UPSTREAM_KEY, FakeUpstream
from gateway_process import Gateway, Simulator
from matrix import MOCKS, environment, providers
from mocks.anthropic import AnthropicMock
from mocks.collectors import Collector, LangfuseMock
from mocks.google import GoogleMock
from mocks.openai import OpenAIMock
from mocks.responses import ResponsesMock
from mocks.salesforce import SalesforceMock
from mocks.sambanova import SambaNovaMock
from mocks.sambaweb import SambaWebMock


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def client_tls(certificates):
    """What a client of a TLS gateway or simulator trusts."""
    return ssl.create_default_context(cafile=certificates.ca_file)


@pytest.fixture(scope="session")
def session_upstream(certificates):
    upstream = FakeUpstream(certificates)
    yield upstream
    upstream.close()


@pytest.fixture
def upstream(session_upstream):
    """The shared fake upstream; fails the test if the gateway sent it anything it must never send."""
    session_upstream.violations.clear()
    yield session_upstream
    assert session_upstream.violations == []


@pytest.fixture(scope="session")
def session_anthropic_mock(certificates):
    mock = AnthropicMock(certificates)
    yield mock
    mock.close()


@pytest.fixture
def anthropic_mock(session_anthropic_mock):
    """api.anthropic.com; fails the test if it was sent what the real one refuses (`expecting()` makes an exception)."""
    session_anthropic_mock.violations.clear()
    yield session_anthropic_mock
    assert session_anthropic_mock.violations == []


@pytest.fixture(scope="session")
def session_openai_mock(certificates):
    mock = OpenAIMock(certificates)
    yield mock
    mock.close()


@pytest.fixture
def openai_mock(session_openai_mock):
    """api.openai.com, answering by itself; fails the test if it was sent what the real one refuses."""
    session_openai_mock.reset()
    yield session_openai_mock
    assert session_openai_mock.violations == []


@pytest.fixture(scope="session")
def session_responses_mock(certificates):
    mock = ResponsesMock(certificates)
    yield mock
    mock.close()


@pytest.fixture
def responses_mock(session_responses_mock):
    """api.openai.com's Responses; fails the test if it was sent what the real one refuses."""
    session_responses_mock.reset()
    yield session_responses_mock
    assert session_responses_mock.violations == []


@pytest.fixture(scope="session")
def session_gemini_mock(certificates):
    mock = GoogleMock(certificates)
    yield mock
    mock.close()


@pytest.fixture
def gemini_mock(session_gemini_mock):
    """The Gemini Developer API, Vertex AI, the token endpoint and the metadata server; strict in the same way."""
    session_gemini_mock.violations.clear()
    yield session_gemini_mock
    assert session_gemini_mock.violations == []


@pytest.fixture(scope="session")
def session_salesforce_mock(certificates):
    mock = SalesforceMock(certificates)
    yield mock
    mock.close()


@pytest.fixture
def salesforce_mock(session_salesforce_mock):
    """A Salesforce org and its Models API; fails the test if it was sent what the real ones refuse."""
    session_salesforce_mock.reset()
    yield session_salesforce_mock
    assert session_salesforce_mock.violations == []


@pytest.fixture(scope="session")
def session_sambanova_mock(certificates):
    mock = SambaNovaMock(certificates)
    yield mock
    mock.close()


@pytest.fixture
def sambanova_mock(session_sambanova_mock):
    """api.sambanova.ai; fails the test if it was sent what the real one refuses."""
    session_sambanova_mock.reset()
    yield session_sambanova_mock
    assert session_sambanova_mock.violations == []


@pytest.fixture(scope="session")
def session_sambaweb_mock(certificates):
    mock = SambaWebMock(certificates)
    yield mock
    mock.close()


@pytest.fixture
def sambaweb_mock(session_sambaweb_mock):
    """cloud.sambanova.ai and its login; fails the test if it was sent what no browser would send."""
    session_sambaweb_mock.reset()
    yield session_sambaweb_mock
    assert session_sambaweb_mock.violations == []


@pytest.fixture(scope="session")
def session_collector(certificates):
    mock = Collector(certificates)
    yield mock
    mock.close()


@pytest.fixture
def collector(session_collector):
    """An OpenTelemetry collector; fails the test if it was sent what a real one refuses."""
    session_collector.reset()
    yield session_collector
    assert session_collector.violations == []


@pytest.fixture(scope="session")
def session_langfuse(certificates):
    mock = LangfuseMock(certificates)
    yield mock
    mock.close()


@pytest.fixture
def langfuse(session_langfuse):
    """A Langfuse server; fails the test if it was sent what the real one refuses."""
    session_langfuse.reset()
    yield session_langfuse
    assert session_langfuse.violations == []


def openai_provider(url, certificates, **fields):
    return {"type": "openai", "base_url": url, "api_key": UPSTREAM_KEY, "ca_file": certificates.ca_file, **fields}


@pytest.fixture(scope="session")
def provider(session_upstream, certificates):
    """Makes a provider block: provider() for the fake upstream, provider(url=..., timeouts=...) for others."""

    def make(url=None, **fields):
        return openai_provider(url or session_upstream.url, certificates, **fields)

    return make


@pytest.fixture(scope="module")
def start_gateway(tmp_path_factory):
    """Starts a gateway with a configuration; all of a module's are stopped and checked after its last test."""
    running = []

    def start(config, **options):
        gateway = Gateway(config, tmp_path_factory.mktemp("gateway"), **options)
        running.append(gateway)
        return gateway

    yield start
    failures = []
    for gateway in running:
        try:
            if gateway.process.returncode is None:
                gateway.stop()
        except AssertionError as failure:
            failures.append(str(failure))
        finally:
            if gateway.alive():
                gateway.kill()
    assert not failures, "\n".join(failures)


@pytest.fixture(scope="session")
def session_mocks(request):
    """The mocks of the matrix's providers, by their fixtures' names."""
    return {name: request.getfixturevalue(f"session_{name}") for name in MOCKS}


@pytest.fixture(scope="session")
def own_responses(session_responses_mock, certificates):
    """The configuration of a server of one's own that has OpenAI's newer door too."""
    return {"type": "openai", "base_url": session_responses_mock.url, "api_key": session_responses_mock.key,
            "ca_file": certificates.ca_file, "responses": True}


@pytest.fixture(scope="module")
def start_matrix(start_gateway, session_mocks, certificates, tmp_path_factory):
    """Starts a gateway with every provider of the matrix. `more` are others beside them, `common` is said of each of the matrix's."""
    def start(more=None, *, common=None, **config):
        directory = tmp_path_factory.mktemp("matrix")
        every = providers(session_mocks, certificates.ca_file, directory, **(common or {}))
        return start_gateway({"providers": {**every, **(more or {})}, "state_directory": str(directory / "state"), **config},
                             environment=environment(session_mocks, directory))

    return start


@pytest.fixture(scope="module")
def start_simulator(tmp_path_factory):
    running = []

    def start(**options):
        simulator = Simulator(tmp_path_factory.mktemp("simulator"), **options)
        running.append(simulator)
        return simulator

    yield start
    for simulator in running:
        simulator.stop()


@pytest.fixture
def sdk():
    """Makes the official client for a gateway; without retries, so that each failure is seen once."""
    clients = []

    def make(gateway, api_key="any-key", **options):
        options.setdefault("max_retries", 0)
        options.setdefault("timeout", 20)
        client = openai.OpenAI(base_url=gateway.url, api_key=api_key, **options)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


def run_all(cases):
    """Runs functions at the same time; returns {name: result or exception} so that waits overlap."""
    results = {}

    def run(name, function):
        try:
            results[name] = function()
        except BaseException as failure:  # reported by the caller, one by one
            results[name] = failure

    threads = [threading.Thread(target=run, args=case, daemon=True) for case in cases.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(50)
    return {name: results.get(name, TimeoutError("the case did not end")) for name in cases}


@pytest.fixture
def at_once(subtests):
    """Runs {name: function} at the same time; each is a subtest of its own."""

    def run(cases):
        results = run_all(cases)
        for name, result in results.items():
            with subtests.test(name):
                if isinstance(result, BaseException):
                    raise result
        return results

    return run
