"""OpenAI's own Python client against the server."""

import json
import re

import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel

from conftest import EXTRACTION, MIA, QUESTION, Answer, Person

MESSAGES = [{"role": "user", "content": QUESTION}]


@pytest.fixture(scope="module")
def client(url: str) -> OpenAI:
    return OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=60)


@pytest.fixture(scope="module")
def model(client: OpenAI) -> str:
    (model,) = client.models.list()
    return model.id


def test_chat(client: OpenAI, model: str, golden: Answer, parts: tuple[str, str]) -> None:
    completion = client.chat.completions.create(model=model, messages=MESSAGES)
    (choice,) = completion.choices
    assert (choice.message.role, choice.message.reasoning_content, choice.message.content) == ("assistant", *parts)
    assert choice.finish_reason == "stop"
    assert completion.usage.prompt_tokens == golden["input_token_count"]
    assert completion.usage.completion_tokens == golden["output_token_count"]
    assert completion.usage.prompt_tokens_details.cached_tokens >= 0
    assert 0 < completion.usage.completion_tokens_details.reasoning_tokens < completion.usage.completion_tokens
    assert completion.model == model
    assert completion.system_fingerprint.startswith("fp_")


def test_chat_stream(client: OpenAI, model: str, golden: Answer, parts: tuple[str, str]) -> None:
    chunks = list(
        client.chat.completions.create(
            model=model, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
    )
    *answers, usage = chunks
    assert answers[0].choices[0].delta.role == "assistant"
    deltas = [chunk.choices[0].delta for chunk in answers]
    thought = "".join(getattr(delta, "reasoning_content", "") for delta in deltas)
    assert (thought, "".join(delta.content or "" for delta in deltas)) == parts
    assert [chunk.choices[0].finish_reason for chunk in answers] == [None] * (len(answers) - 1) + ["stop"]
    assert len({chunk.id for chunk in chunks}) == 1
    assert usage.choices == []
    assert usage.usage.completion_tokens == golden["output_token_count"]


def test_chat_stream_helper(client: OpenAI, model: str, parts: tuple[str, str]) -> None:
    with client.chat.completions.stream(model=model, messages=MESSAGES) as stream:
        text = "".join(event.delta for event in stream if event.type == "content.delta")
        completion = stream.get_final_completion()
    assert text == parts[1]
    assert completion.choices[0].message.content == parts[1]


def test_chat_in_parts_with_log_probabilities(client: OpenAI, model: str, golden: Answer) -> None:
    completion = client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": [{"type": "text", "text": QUESTION}]}],
        logprobs=True,
        top_logprobs=3,
        n=2,
        seed=1,
        stop=["nowhere"],
        logit_bias={"5": -100},
        extra_body={"top_k": 1, "min_p": 0.1, "chat_template_kwargs": {}},
    )
    assert [choice.index for choice in completion.choices] == [0, 1]
    for choice in completion.choices:
        # The last one is the end-of-sequence token.
        *tokens, _ = choice.logprobs.content
        assert bytes(byte for token in tokens for byte in token.bytes).decode() == golden["response"]
        assert all(len(token.top_logprobs) == 3 for token in tokens)


def test_thinking_is_turned_off_and_limited(client: OpenAI, model: str, parts: tuple[str, str]) -> None:
    off = client.chat.completions.create(model=model, messages=MESSAGES, reasoning_effort="none")
    assert off.choices[0].message.content == parts[1]
    assert not hasattr(off.choices[0].message, "reasoning_content")
    assert off.usage.completion_tokens_details.reasoning_tokens == 0
    short = client.chat.completions.create(
        model=model, messages=MESSAGES, extra_body={"thinking_token_budget": 2}
    )
    assert short.usage.completion_tokens_details.reasoning_tokens == 2


CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {
    "type": "function",
    "function": {"name": "get_weather", "description": "Get the weather of a city.", "parameters": CITY},
}
WHERE = [{"role": "user", "content": "What is the weather in Oslo?"}]


def test_tools(client: OpenAI, model: str) -> None:
    completion = client.chat.completions.create(model=model, messages=WHERE, tools=[WEATHER])
    (choice,) = completion.choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    (call,) = choice.message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Oslo"})
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    # As the client writes its own message, with all that is None.
    messages = [*WHERE, choice.message.model_dump(), result]
    answer = client.chat.completions.create(model=model, messages=messages, tools=[WEATHER])
    assert answer.choices[0].message.content == "It is sunny in Oslo."


def test_tools_in_a_stream(client: OpenAI, model: str) -> None:
    with client.chat.completions.stream(model=model, messages=WHERE, tools=[WEATHER]) as stream:
        deltas = [event.arguments_delta for event in stream if event.type == "tool_calls.function.arguments.delta"]
        (choice,) = stream.get_final_completion().choices
    (call,) = choice.message.tool_calls
    assert choice.finish_reason == "tool_calls"
    assert "".join(deltas) == call.function.arguments
    assert json.loads(call.function.arguments) == {"city": "Oslo"}


def test_tools_that_have_to_be_called(client: OpenAI, model: str) -> None:
    named = {"type": "function", "function": {"name": "get_weather"}}
    for choice in ("required", named):
        completion = client.chat.completions.create(model=model, messages=WHERE, tools=[WEATHER], tool_choice=choice)
        assert completion.choices[0].message.tool_calls[0].function.name == "get_weather"
    none = client.chat.completions.create(model=model, messages=WHERE, tools=[WEATHER], tool_choice="none")
    assert none.choices[0].message.tool_calls is None


class GetWeather(BaseModel):
    """Get the weather of a city."""

    city: str


def test_tools_of_pydantic(client: OpenAI, model: str) -> None:
    tool = openai.pydantic_function_tool(GetWeather, name="get_weather")
    (choice,) = client.chat.completions.parse(model=model, messages=WHERE, tools=[tool]).choices
    assert choice.message.tool_calls[0].function.parsed_arguments == GetWeather(city="Oslo")


EXTRACT = [{"role": "user", "content": EXTRACTION}]


def test_parse(client: OpenAI, model: str) -> None:
    (choice,) = client.chat.completions.parse(model=model, messages=EXTRACT, response_format=Person).choices
    assert (choice.finish_reason, choice.message.parsed) == ("stop", MIA)


def test_parse_in_a_stream(client: OpenAI, model: str) -> None:
    with client.chat.completions.stream(model=model, messages=EXTRACT, response_format=Person) as stream:
        pieces = [event.parsed for event in stream if event.type == "content.delta"]
        (choice,) = stream.get_final_completion().choices
    assert choice.message.parsed == MIA
    # What is half there is parsed as it comes.
    assert {"name": "Mia"} in pieces and pieces[-1] == MIA.model_dump()


def test_json_is_all_that_is_said(client: OpenAI, model: str) -> None:
    schema = {"type": "object", "properties": {"answer": {"enum": [7, 8]}}, "required": ["answer"]}
    of_schema = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
    # The question asks for no JSON: it is the grammar that does.
    for shape, is_right in (
        (of_schema, lambda value: value in ({"answer": 7}, {"answer": 8})),
        ({"type": "json_object"}, lambda value: isinstance(value, dict)),
    ):
        (choice,) = client.chat.completions.create(model=model, messages=MESSAGES, response_format=shape).choices
        assert choice.finish_reason == "stop"
        assert is_right(json.loads(choice.message.content))


@pytest.mark.parametrize(
    ("constraint", "pattern"),
    [
        ({"choice": ["red", "green"]}, "red|green"),
        ({"regex": "[a-c]{3}[0-9]"}, "[a-c]{3}[0-9]"),
        ({"grammar": 'root ::= "yes" | "no" "!"'}, "yes|no!"),
    ],
)
def test_structured_outputs_as_in_vllm(client: OpenAI, model: str, constraint: dict, pattern: str) -> None:
    body = {"structured_outputs": constraint}
    (choice,) = client.chat.completions.create(model=model, messages=MESSAGES, extra_body=body).choices
    assert re.fullmatch(pattern, choice.message.content)


def test_completion(client: OpenAI, model: str) -> None:
    completion = client.completions.create(model=model, prompt=["An Inference Endpoint", "A token"], logprobs=2)
    assert [choice.index for choice in completion.choices] == [0, 1]
    for choice in completion.choices:
        assert "".join(choice.logprobs.tokens).startswith(choice.text)
    chunks = client.completions.create(model=model, prompt="An Inference Endpoint", stream=True)
    assert "".join(chunk.choices[0].text for chunk in chunks) == completion.choices[0].text


def test_models(client: OpenAI, model: str) -> None:
    assert client.models.retrieve(model).id == model


def test_errors_are_those_of_the_client(client: OpenAI, model: str) -> None:
    with pytest.raises(openai.BadRequestError) as wrong:
        client.chat.completions.create(model=model, messages=MESSAGES, temperature=3)
    assert wrong.value.param == "temperature"
    with pytest.raises(openai.BadRequestError) as long:
        client.completions.create(model=model, prompt="word " * 3000)
    assert long.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError) as shape:
        client.chat.completions.create(model=model, messages=MESSAGES, response_format={"type": "xml"})
    assert shape.value.param == "response_format.type"
    with pytest.raises(openai.NotFoundError) as other:
        client.chat.completions.create(model="gpt-4", messages=MESSAGES)
    assert other.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("org/other")
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model=model, input="x")
