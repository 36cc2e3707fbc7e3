"""OpenAI's own Python client against the server: responses."""

import openai
import pytest
from openai import OpenAI

from conftest import QUESTION

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


def test_errors(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as wrong:
        client.responses.create(model="demo", input=QUESTION, background=True)
    assert wrong.value.param == "background"
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve("resp_1")
