"""OpenAI's own Python client against the server: responses."""

import json

import openai
import pytest
from openai import OpenAI

from conftest import EXTRACTION, MIA, QUESTION, Person

ANSWER = (
    "An Inference Endpoint is a server that loads a model and answers requests over HTTP. "
    "You send a prompt to it and get generated text back."
)


@pytest.fixture(scope="module")
def client(url: str) -> OpenAI:
    return OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=60)


def test_response(client: OpenAI) -> None:
    response = client.responses.create(model="demo", input=QUESTION)
    assert (response.output_text, response.status) == (ANSWER, "completed")
    assert [item.type for item in response.output] == ["reasoning", "message"]


def test_stream(client: OpenAI) -> None:
    with client.responses.stream(model="demo", input=QUESTION) as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
        response = stream.get_final_response()
    assert "".join(deltas) == ANSWER
    assert response.output_text == ANSWER


def test_parse(client: OpenAI) -> None:
    response = client.responses.parse(model="demo", input=EXTRACTION, text_format=Person)
    assert response.output_parsed == MIA
    with client.responses.stream(model="demo", input=EXTRACTION, text_format=Person) as stream:
        assert stream.until_done().get_final_response().output_parsed == MIA


def test_functions(client: OpenAI) -> None:
    city = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    weather = {
        "type": "function",
        "name": "get_weather",
        "description": "Get the weather of a city.",
        "parameters": city,
        "strict": False,
    }
    question = {"role": "user", "content": "What is the weather in Oslo?"}
    asked = client.responses.create(model="demo", input=[question], tools=[weather])
    call = next(item for item in asked.output if item.type == "function_call")
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Oslo"})
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    answer = client.responses.create(model="demo", input=[question, *asked.output, result], tools=[weather])
    assert answer.output_text == "It is sunny in Oslo."


def test_errors(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as wrong:
        client.responses.create(model="demo", input=QUESTION, background=True)
    assert wrong.value.param == "background"
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve("resp_1")
