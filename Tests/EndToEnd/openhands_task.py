# One task for OpenHands' agent, by the packages that PyPI carries: run by test_openhands.py with the interpreter of an
# environment that has them. Prints what came of it as one line of JSON, the last one.
#
# usage: openhands_task.py BASE_URL MODEL streams|whole TEXT

import json
import os
import sys

from openhands.sdk import LLM, Agent, Conversation, Tool
from openhands.sdk.event import ActionEvent, ObservationEvent
from openhands.tools.terminal import TerminalTool
from pydantic import SecretStr

base_url, model, way, text = sys.argv[1:]
pieces = []
llm = LLM(model=model, base_url=base_url, api_key=SecretStr("sk-made-up"), usage_id="agent", num_retries=0, stream=way == "streams")
conversation = Conversation(agent=Agent(llm=llm, tools=[Tool(name=TerminalTool.name)]), workspace=os.getcwd(), visualizer=None,
                            max_iteration_per_run=5, token_callbacks=[pieces.append] if way == "streams" else None)
conversation.send_message(text)
conversation.run()
events = conversation.state.events
usage = llm.metrics.accumulated_token_usage
print(json.dumps({
    "status": conversation.state.execution_status.value,
    "called": [[event.tool_name, json.loads(event.tool_call.arguments)] for event in events if isinstance(event, ActionEvent)],
    "seen": [event.observation.text for event in events if isinstance(event, ObservationEvent)],
    "pieces": len(pieces), "tokens": [usage.prompt_tokens, usage.completion_tokens]}))
