"""Anthropic's own Python client against the server."""

import anthropic
import pytest
from anthropic import Anthropic

from conftest import QUESTION

MESSAGES = [{"role": "user", "content": QUESTION}]
ANSWER = (
    "An Inference Endpoint is a server that loads a model and answers requests over HTTP. "
    "You send a prompt to it and get generated text back."
)
WEATHER = {
    "name": "get_weather",
    "description": "Get the weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture(scope="module")
def client(url: str) -> Anthropic:
    return Anthropic(base_url=url, api_key="none", max_retries=0, timeout=60)


def test_message(client: Anthropic) -> None:
    message = client.messages.create(model="demo", max_tokens=100, messages=MESSAGES)
    (block,) = message.content
    assert (message.role, block.text, message.stop_reason) == ("assistant", ANSWER, "end_turn")
    assert message.usage.output_tokens == 29


def test_stream(client: Anthropic) -> None:
    thinking = {"type": "enabled", "budget_tokens": 100}
    with client.messages.stream(model="demo", max_tokens=200, messages=MESSAGES, thinking=thinking) as stream:
        assert "".join(stream.text_stream) == ANSWER
        message = stream.get_final_message()
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.content[0].thinking == "I know this one."


def test_tools(client: Anthropic) -> None:
    messages = [{"role": "user", "content": "What is the weather in Oslo?"}]
    call = client.messages.create(model="demo", max_tokens=100, messages=messages, tools=[WEATHER])
    (block,) = call.content
    assert (call.stop_reason, block.name, block.input) == ("tool_use", "get_weather", {"city": "Oslo"})
    messages += [
        {"role": "assistant", "content": call.content},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": block.id, "content": "sunny"}]},
    ]
    answer = client.messages.create(model="demo", max_tokens=100, messages=messages, tools=[WEATHER])
    assert answer.content[-1].text == "It is sunny in Oslo."


def test_count_tokens(client: Anthropic) -> None:
    count = client.messages.count_tokens(model="demo", messages=MESSAGES)
    usage = client.messages.create(model="demo", max_tokens=1, messages=MESSAGES).usage
    assert count.input_tokens == usage.input_tokens + usage.cache_read_input_tokens


def test_errors(client: Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError) as wrong:
        client.messages.create(model="demo", max_tokens=1, messages=[])
    assert wrong.value.body["error"]["type"] == "invalid_request_error"
    assert wrong.value.request_id
    with pytest.raises(anthropic.NotFoundError):
        client.messages.create(model="claude", max_tokens=1, messages=MESSAGES)
