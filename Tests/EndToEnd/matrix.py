# The rows of the matrix: every provider that can be configured, each with the models that show it, what it cannot do,
# and how to read what reached its mock. The doors' tests have the columns.

import base64
import json
from dataclasses import dataclass, field

import reached as read
from mocks.anthropic import ANTHROPIC_KEY
from mocks.google import GEMINI_KEY, PROJECT
from mocks.openai import OPENAI_KEY
from mocks.sambanova import SAMBANOVA_KEY

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + base64.b64encode(PNG).decode()}}
MOCKS = ("openai_mock", "anthropic_mock", "gemini_mock", "salesforce_mock", "sambanova_mock", "sambaweb_mock")
SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}, "count": {"type": "integer"}},
          "required": ["answer", "count"], "additionalProperties": False}
CLAUDE = "sfdc_ai__DefaultBedrockAnthropicClaude45Sonnet"
GPT = "sfdc_ai__DefaultGPT4Omni"


@dataclass(frozen=True)
class Target:
    """`provider` is its name in the configuration, `model` the mock's, `thinker` another where thoughts need it.
    `refuses` names the parameter of the 400 by column; `lacks` are columns that the dialect has no words for."""

    name: str
    provider: str
    mock: str
    model: str
    read: object
    thinker: str | None = None
    publisher: str = ""
    tells_thoughts: bool = True
    formats: bool = True  # a JSON object without a schema is a setting, not an instruction
    in_place: bool = False  # instructions stay where they stand
    refuses: dict = field(default_factory=dict)
    lacks: frozenset = frozenset()

    def at_gateway(self, model):
        return f"{self.provider}/{self.publisher}{model}"


_TEXT_ONLY = {"image": "messages[0].content[1]", "schema": "response_format", "object": "response_format"}
_MODELS_LACK = frozenset({"stop", "length", "reasoning", "cached"})

TARGETS = [
    Target("openai", "openai", "openai_mock", "gpt-4o", read.chat, thinker="gpt-5", tells_thoughts=False, in_place=True),
    Target("anthropic", "anthropic", "anthropic_mock", "claude-sonnet-4-5", read.messages, formats=False),
    Target("anthropic-adaptive", "anthropic", "anthropic_mock", "claude-sonnet-5", read.messages, formats=False),
    Target("anthropic-old", "anthropic", "anthropic_mock", "claude-3-5-haiku", read.messages, thinker="claude-3-7-sonnet",
           formats=False),
    Target("gemini-2.5", "gemini", "gemini_mock", "gemini-2.5-flash", read.gemini),
    Target("gemini-3", "gemini", "gemini_mock", "gemini-3-flash", read.gemini),
    Target("vertex-gemini", "vertex", "gemini_mock", "gemini-2.5-pro", read.gemini),
    Target("vertex-gemini-3", "vertex-user", "gemini_mock", "gemini-3-pro", read.gemini),
    Target("vertex-claude", "vertex-metadata", "gemini_mock", "claude-sonnet-4-5", read.messages, formats=False),
    Target("vertex-openai", "vertex", "gemini_mock", "gemini-2.5-flash", read.chat, publisher="google/",
           tells_thoughts=False, in_place=True, lacks=frozenset({"cached"})),
    Target("salesforce-claude", "salesforce", "salesforce_mock", CLAUDE, read.messages, formats=False),
    Target("salesforce-gpt", "salesforce-jwt", "salesforce_mock", GPT, read.salesforce, in_place=True,
           refuses={"image": "messages[0].content[1]", "schema": "response_format", "object": "response_format"},
           lacks=frozenset({"reasoning", "cached"})),
    Target("salesforce-models", "salesforce-models", "salesforce_mock", GPT, read.salesforce, in_place=True,
           refuses=_TEXT_ONLY, lacks=_MODELS_LACK),
    Target("salesforce-models-claude", "salesforce-models-jwt", "salesforce_mock", CLAUDE, read.salesforce, in_place=True,
           refuses=_TEXT_ONLY, lacks=_MODELS_LACK),
    Target("sambanova", "sambanova", "sambanova_mock", "Meta-Llama-3.3-70B-Instruct", read.chat, thinker="gpt-oss-120b",
           in_place=True, lacks=frozenset({"cached"})),
    Target("sambanova-web", "sambanova-web", "sambaweb_mock", "Meta-Llama-3.3-70B-Instruct", read.sambaweb, in_place=True,
           refuses={name: value for name, value in _TEXT_ONLY.items() if name != "image"},
           lacks=frozenset({"reasoning", "cached"})),
]


class Cell:
    """One row and one way to be answered; `ask` uses a model name of this cell's own."""

    def __init__(self, target, client, mock, streams):
        self.target, self.client, self.mock, self.streams = target, client, mock, streams
        self.model = mock.model(target.model)

    def think(self):
        self.model = self.mock.model(self.target.thinker or self.target.model)
        self.mock.thinking = True  # Salesforce's has to be allowed it

    def ask(self, conversation, **options):
        return self.client.ask(self.target.at_gateway(self.model), conversation, self.streams, **options)

    @property
    def exchange(self):
        return self.mock.of(self.model)[-1]

    @property
    def reached(self):
        return self.target.read(self.exchange.body)


def providers(mocks, ca_file, directory, **common):
    """The configuration of all of them. `mocks` maps a fixture's name to the mock, `directory` takes key files."""
    openai, anthropic, google = mocks["openai_mock"], mocks["anthropic_mock"], mocks["gemini_mock"]
    sambanova, web = mocks["sambanova_mock"], mocks["sambaweb_mock"]
    org = mocks["salesforce_mock"].org
    account, user, key = directory / "account.json", directory / "user.json", directory / "app.pem"
    account.write_text(json.dumps(google.tokens.service_account(google.token_uri)))
    user.write_text(json.dumps(google.tokens.authorized_user(google.token_uri)))
    key.write_text(org.private_key)
    common = {"ca_file": ca_file, **common}
    vertex = {"type": "vertex", "project": PROJECT, "base_url": google.main.origin, **common}
    salesforce = {"type": "salesforce", "instance_url": org.origin, "consumer_key": org.client_id, **common}
    secret = {"consumer_secret": org.client_secret}
    signed = {"username": org.username, "private_key_file": str(key)}
    return {
        "openai": {"type": "openai", "base_url": openai.url, "api_key": OPENAI_KEY, **common},
        "anthropic": {"type": "anthropic", "base_url": anthropic.url, "api_key": ANTHROPIC_KEY, **common},
        "gemini": {"type": "gemini", "base_url": google.main.origin, "api_key": GEMINI_KEY, **common},
        "vertex": {**vertex, "credentials_file": str(account)},
        "vertex-user": {**vertex, "credentials_file": str(user), "location": "global"},
        "vertex-metadata": {**vertex, "location": "us-east5"},
        "salesforce": {**salesforce, **secret, "surface": "llm-gateway"},
        "salesforce-jwt": {**salesforce, **signed, "surface": "llm-gateway", "api_url": org.origin},
        "salesforce-models": {**salesforce, **secret, "localization": {
            "default_locale": "de_DE", "input_locales": [{"locale": "de_DE", "probability": 0.75}]}},
        "salesforce-models-jwt": {**salesforce, **signed},
        "sambanova": {"type": "sambanova", "base_url": sambanova.url, "api_key": SAMBANOVA_KEY, **common},
        "sambanova-web": {
            "type": "sambanova-web", "email": web.email, "password": web.password, "completion_url": web.completion_url,
            "models_url": f"{web.main.origin}/v1/models", "config_url": f"{web.main.origin}/api/config", **common},
    }


def environment(mocks, directory):
    """Nothing of the machine's own credentials; the metadata server is the mock's."""
    return {"GCE_METADATA_HOST": f"localhost:{mocks['gemini_mock'].metadata.port}", "CLOUDSDK_CONFIG": str(directory),
            "HOME": str(directory)}
