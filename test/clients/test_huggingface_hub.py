"""Hugging Face's own Python client against the server, as if it were text-generation-inference."""

import pytest
import requests
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError, ValidationError

from conftest import QUESTION, Answer

TIMEOUT = 60
PROMPT = "An Inference Endpoint"
MESSAGES = [{"role": "user", "content": QUESTION}]


@pytest.fixture(scope="module")
def client(url: str) -> InferenceClient:
    return InferenceClient(url, token="hf_abcdefghijklmnopqrstuvwxyz", timeout=TIMEOUT)


@pytest.fixture(scope="module")
def text(client: InferenceClient) -> str:
    """What follows the prompt when the most probable tokens are taken."""
    return client.text_generation(PROMPT, max_new_tokens=12, do_sample=False)


def test_text_generation(client: InferenceClient, text: str) -> None:
    assert isinstance(text, str) and text != ""
    assert client.text_generation(PROMPT, max_new_tokens=12, return_full_text=True) == PROMPT + text


def test_text_generation_with_details(client: InferenceClient, text: str) -> None:
    output = client.text_generation(
        PROMPT, max_new_tokens=12, details=True, decoder_input_details=True, top_n_tokens=3, stop=["nowhere"]
    )
    details = output.details
    assert output.generated_text == text
    assert details.finish_reason in ("length", "eos_token")
    assert details.generated_tokens == len(details.tokens) == len(details.top_tokens)
    assert "".join(token.text for token in details.tokens if not token.special) == text
    assert "".join(token.text for token in details.prefill) == PROMPT
    assert [token.logprob is None for token in details.prefill] == [True] + [False] * (len(details.prefill) - 1)
    for token, top in zip(details.tokens, details.top_tokens):
        # The client leaves lists of lists as they are.
        assert (token.id, len(top)) == (top[0]["id"], 3)
    assert details.seed is None


def test_text_generation_as_a_stream(client: InferenceClient, text: str) -> None:
    pieces = list(client.text_generation(PROMPT, max_new_tokens=12, stream=True))
    assert len(pieces) > 1
    # As with text-generation-inference, the end-of-sequence token is the last piece, if there is one.
    assert "".join(pieces).removesuffix("<|im_end|>") == text


def test_text_generation_as_a_stream_with_details(client: InferenceClient, text: str) -> None:
    *tokens, last = client.text_generation(PROMPT, max_new_tokens=12, stream=True, details=True, seed=1)
    assert [output.index for output in [*tokens, last]] == list(range(1, len(tokens) + 2))
    assert all(output.generated_text is None and output.details is None for output in tokens)
    assert last.generated_text == text
    assert last.details.generated_tokens == len(tokens) + 1
    assert last.details.input_length > 0


def test_text_generation_at_random(client: InferenceClient) -> None:
    drawn = client.text_generation(
        PROMPT, max_new_tokens=8, temperature=1.5, top_k=50, top_p=0.9, typical_p=0.9, details=True
    )
    again = client.text_generation(
        PROMPT, max_new_tokens=8, temperature=1.5, top_k=50, top_p=0.9, typical_p=0.9, seed=drawn.details.seed
    )
    assert again == drawn.generated_text
    best = client.text_generation(PROMPT, max_new_tokens=8, do_sample=True, best_of=2, details=True)
    assert len(best.details.best_of_sequences) == 1
    mean = [sum(t.logprob for t in one.tokens) / len(one.tokens) for one in [best.details, *best.details.best_of_sequences]]
    assert mean[0] == max(mean)


def test_text_generation_ends_with_its_stop_string(client: InferenceClient, text: str) -> None:
    stop = text[3:5]
    output = client.text_generation(PROMPT, max_new_tokens=12, stop=[stop], details=True)
    assert output.details.finish_reason == "stop_sequence"
    assert output.generated_text == text[: text.index(stop) + len(stop)]
    streamed = "".join(client.text_generation(PROMPT, max_new_tokens=12, stop=[stop], stream=True))
    assert streamed == output.generated_text


def test_truncated_prompts_are_as_long_as_asked_for(client: InferenceClient) -> None:
    output = client.text_generation("a b c d e", max_new_tokens=1, truncate=2, details=True, decoder_input_details=True)
    assert len(output.details.prefill) == 2


def test_chat_completion(client: InferenceClient, golden: Answer, parts: tuple[str, str]) -> None:
    output = client.chat_completion(MESSAGES)
    assert (output.choices[0].message.reasoning_content, output.choices[0].message.content) == parts
    assert output.usage.completion_tokens == golden["output_token_count"]


def test_chat_completion_as_a_stream(client: InferenceClient, parts: tuple[str, str]) -> None:
    chunks = list(client.chat_completion(MESSAGES, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == parts[1]


def test_endpoint(url: str) -> None:
    client = InferenceClient(url, provider="hf-inference")
    info = client.get_endpoint_info()
    assert info["model_id"] == "demo"
    assert info["max_total_tokens"] > info["max_input_tokens"] > 0
    assert client.health_check()


@pytest.mark.parametrize("stream", [False, True])
def test_errors_are_those_of_the_client(client: InferenceClient, stream: bool) -> None:
    with pytest.raises(ValidationError, match="parameters.temperature"):
        client.text_generation(PROMPT, temperature=-1, stream=stream)
    with pytest.raises(ValidationError, match="context holds"):
        client.text_generation("word " * 3000, stream=stream)
    with pytest.raises(HfHubHTTPError, match="temperature"):
        client.chat_completion(MESSAGES, temperature=3, stream=stream)


def test_plain_requests(url: str, text: str) -> None:
    body = {"inputs": PROMPT, "parameters": {"max_new_tokens": 12}}
    (answer,) = requests.post(url, json=body, timeout=TIMEOUT).json()
    assert answer == {"generated_text": text}
    response = requests.post(f"{url}/generate", json=body, timeout=TIMEOUT)
    assert response.json() == answer
    assert int(response.headers["x-prompt-tokens"]) > 0
    assert int(response.headers["x-generated-tokens"]) > 0
