# Clients as people use them, unchanged: each completes a chat, a stream and a loop of two tools through the gateway,
# against providers of other dialects than its own; the agents of two of them complete a task of three tools over every
# row of matrix.py, in one piece and streamed. `./dev matrix` installs them (requirements-clients.txt).

import asyncio
import json
import os

import pytest

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it asks the network for prices
litellm = pytest.importorskip("litellm", reason="./dev matrix installs it")
agents = pytest.importorskip("agents", reason="./dev matrix installs it")
pydantic_ai = pytest.importorskip("pydantic_ai", reason="./dev matrix installs it")
langchain_openai = pytest.importorskip("langchain_openai", reason="./dev matrix installs it")
langchain_agents = pytest.importorskip("langchain.agents", reason="./dev matrix installs it")

import openai  # noqa: E402
from langchain_core.messages import HumanMessage, ToolMessage  # noqa: E402
from langchain_core.tools import tool as langchain_tool  # noqa: E402
from pydantic_ai.models.anthropic import AnthropicModel  # noqa: E402
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel  # noqa: E402
from pydantic_ai.providers.anthropic import AnthropicProvider  # noqa: E402
from pydantic_ai.providers.openai import OpenAIProvider  # noqa: E402

import three_tools  # noqa: E402
from matrix import CLAUDE, TARGETS  # noqa: E402

agents.set_tracing_disabled(True)
litellm.disable_hf_tokenizer_download = True
KEY = "sk-client-made-up"
PROMPT = 'call weather {"city": "Köln"}\ncall clock {"zone": "CET"}'
WANTED = "sunny in Köln\nnoon in CET"
PROVIDERS = {"openai": ("openai_mock", "gpt-4o"), "anthropic": ("anthropic_mock", "claude-sonnet-4-5"),
             "gemini": ("gemini_mock", "gemini-2.5-flash"), "vertex-metadata": ("gemini_mock", "claude-sonnet-4-5"),
             "salesforce": ("salesforce_mock", CLAUDE), "sambanova": ("sambanova_mock", "Meta-Llama-3.3-70B-Instruct")}


def weather(city: str) -> str:
    """Tells the weather."""
    return f"sunny in {city}"


def clock(zone: str = "UTC") -> str:
    """Tells the time."""
    return f"noon in {zone}"


@pytest.fixture(scope="module")
def gateway(start_matrix):
    return start_matrix()


@pytest.fixture(params=PROVIDERS)
def model(request):
    """A model of each provider, by the name that a client says."""
    mock, name = PROVIDERS[request.param]
    return f"{request.param}/{request.getfixturevalue(mock).model(name)}"


# -- LangChain -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("responses", [False, True], ids=["chat", "responses"])
def test_langchain(responses, gateway, model):
    llm = langchain_openai.ChatOpenAI(base_url=gateway.url, api_key=KEY, model=model, max_retries=0, timeout=20,
                                      use_responses_api=responses)
    assert llm.invoke("hello there").text == "hello there"
    assert "".join(chunk.text for chunk in llm.stream("one two three")) == "one two three"
    tools = {"weather": langchain_tool(weather), "clock": langchain_tool(clock)}
    bound, history = llm.bind_tools(list(tools.values())), [HumanMessage(PROMPT)]
    said = bound.invoke(history)
    history += [said, *[ToolMessage(tools[call["name"]].invoke(call["args"]), tool_call_id=call["id"])
                        for call in said.tool_calls]]
    assert bound.invoke(history).text == WANTED


# -- LiteLLM ---------------------------------------------------------------------------------------------------------


TOOLS = [{"type": "function", "function": {"name": name, "description": "Tells.", "parameters": {
    "type": "object", "properties": {argument: {"type": "string"}}, "required": [argument]}}}
         for name, argument in (("weather", "city"), ("clock", "zone"))]


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_litellm(dialect, gateway, model):
    where = {"model": f"{dialect}/{model}", "api_key": KEY, "timeout": 20, "num_retries": 0, "max_tokens": 1000,
             "api_base": gateway.url if dialect == "openai" else gateway.url.removesuffix("/v1")}
    said = litellm.completion(messages=[{"role": "user", "content": "hello there"}], **where)
    assert said.choices[0].message.content == "hello there" and said.usage.total_tokens > 0
    chunks = litellm.completion(messages=[{"role": "user", "content": "one two three"}], stream=True, **where)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "one two three"
    history = [{"role": "user", "content": PROMPT}]
    message = litellm.completion(messages=history, tools=TOOLS, **where).choices[0].message
    functions = {"weather": weather, "clock": clock}
    history += [message.model_dump(), *[
        {"role": "tool", "tool_call_id": call.id, "content": functions[call.function.name](**json.loads(call.function.arguments))}
        for call in message.tool_calls]]
    assert litellm.completion(messages=history, tools=TOOLS, **where).choices[0].message.content == WANTED


# -- OpenAI's Agents SDK ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["OpenAIChatCompletionsModel", "OpenAIResponsesModel"])
def test_agents(kind, gateway, model):
    async def run():
        client = openai.AsyncOpenAI(base_url=gateway.url, api_key=KEY, max_retries=0, timeout=20)
        agent = agents.Agent(name="one", instructions="Be brief.", model=getattr(agents, kind)(model, client),
                             tools=[agents.function_tool(weather), agents.function_tool(clock)])
        assert (await agents.Runner.run(agent, "hello there")).final_output == "hello there"
        streamed, text = agents.Runner.run_streamed(agent, "one two three"), ""
        async for event in streamed.stream_events():
            if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                text += event.data.delta
        assert text == streamed.final_output == "one two three"
        assert (await agents.Runner.run(agent, PROMPT)).final_output == WANTED
        streamed = agents.Runner.run_streamed(agent, PROMPT)
        async for _ in streamed.stream_events():
            pass
        assert streamed.final_output == WANTED
        await client.close()

    asyncio.run(run())


# -- Pydantic AI -----------------------------------------------------------------------------------------------------


def _pydantic(kind, gateway, model):
    if kind == "messages":
        return AnthropicModel(model, provider=AnthropicProvider(base_url=gateway.url.removesuffix("/v1"), api_key=KEY))
    chosen = OpenAIChatModel if kind == "chat" else OpenAIResponsesModel
    return chosen(model, provider=OpenAIProvider(base_url=gateway.url, api_key=KEY))


@pytest.mark.parametrize("kind", ["chat", "responses", "messages"])
def test_pydantic_ai(kind, gateway, model):
    async def run():
        agent = pydantic_ai.Agent(_pydantic(kind, gateway, model), instructions="Be brief.")
        agent.tool_plain(weather)
        agent.tool_plain(clock)
        assert (await agent.run("hello there")).output == "hello there"
        async with agent.run_stream("one two three") as streamed:
            assert await streamed.get_output() == "one two three"
        assert (await agent.run(PROMPT)).output == WANTED
        async with agent.run_stream(PROMPT) as streamed:
            assert await streamed.get_output() == WANTED

    asyncio.run(run())


# -- Vectors and older completions -----------------------------------------------------------------------------------

EMBEDDERS = {"openai": ("openai_mock", "text-embedding-3-small"), "gemini": ("gemini_mock", "gemini-embedding-2"),
             "vertex": ("gemini_mock", "text-embedding-005"), "sambanova": ("sambanova_mock", "E5-Mistral-7B-Instruct"),
             "salesforce": ("salesforce_mock", "sfdc_ai__DefaultOpenAITextEmbeddingAda_002")}


@pytest.mark.parametrize("provider", EMBEDDERS)
def test_embeddings(provider, gateway, request):
    mock, name = EMBEDDERS[provider]
    model = f"{provider}/{request.getfixturevalue(mock).model(name)}"
    # Without its own count of tokens, for which it asks the network.
    lang = langchain_openai.OpenAIEmbeddings(base_url=gateway.url, api_key=KEY, model=model, max_retries=0,
                                             check_embedding_ctx_length=False)
    one, two = lang.embed_documents(["one", "two"])
    assert one != two and lang.embed_query("one") == pytest.approx(one)
    made = litellm.embedding(model=f"openai/{model}", input=["one", "two"], api_base=gateway.url, api_key=KEY, timeout=20)
    assert [entry["embedding"] for entry in made.data] == [pytest.approx(one), pytest.approx(two)]


def test_text_completions(gateway, model):
    if model.startswith("openai/"):
        return  # only models made for them take them there
    said = litellm.text_completion(model=f"text-completion-openai/{model}", prompt="one two three", api_base=gateway.url,
                                   api_key=KEY, timeout=20, num_retries=0)
    assert said.choices[0].text == "one two three"
    lang = langchain_openai.OpenAI(base_url=gateway.url, api_key=KEY, model=model, max_retries=0)
    assert lang.invoke("four five") == "four five" and "".join(lang.stream("four five")) == "four five"


# -- agents with three tools, over every provider --------------------------------------------------------------------


@pytest.fixture(params=TARGETS, ids=lambda target: target.name)
def row(request):
    """A model of every row, by the name that a client says."""
    target = request.param
    return target.at_gateway(request.getfixturevalue(target.mock).model(target.model))


@pytest.mark.parametrize("streams", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("kind", ["OpenAIChatCompletionsModel", "OpenAIResponsesModel"])
def test_an_agent_of_the_agents_sdk(kind, streams, gateway, row):
    async def run():
        client = openai.AsyncOpenAI(base_url=gateway.url, api_key=KEY, max_retries=0, timeout=20)
        made, functions = three_tools.functions()
        agent = agents.Agent(name="one", instructions="Use the tools.", model=getattr(agents, kind)(row, client),
                             tools=[agents.function_tool(function) for function in functions])
        if streams:
            result = agents.Runner.run_streamed(agent, three_tools.TASK)
            seen = [event.name async for event in result.stream_events() if event.type == "run_item_stream_event"]
            assert seen.count("tool_called") == seen.count("tool_output") == 3
        else:
            result = await agents.Runner.run(agent, three_tools.TASK)
        assert made == three_tools.STEPS and result.final_output == three_tools.ANSWER
        await client.close()

    asyncio.run(run())


@pytest.mark.parametrize("streams", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("responses", [False, True], ids=["chat", "responses"])
def test_an_agent_of_langchain(responses, streams, gateway, row):
    llm = langchain_openai.ChatOpenAI(base_url=gateway.url, api_key=KEY, model=row, max_retries=0, timeout=20,
                                      use_responses_api=responses, streaming=streams)
    made, functions = three_tools.functions()
    agent = langchain_agents.create_agent(llm, [langchain_tool(function) for function in functions],
                                          system_prompt="Use the tools.")
    asked = {"messages": [{"role": "user", "content": three_tools.TASK}]}
    if streams:
        told = [part for part, _ in agent.stream(asked, stream_mode="messages") if part.type == "AIMessageChunk"]
        # What comes in front of a call says nothing.
        text = "".join(part.text for part in told)
    else:
        text = agent.invoke(asked)["messages"][-1].text
    assert made == three_tools.STEPS and text == three_tools.ANSWER
