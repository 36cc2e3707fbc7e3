"""The seed's client against the server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from pydantic import ConfigDict

from conftest import QUESTION, Answer
from seed_app import GenerateResponse

TIMEOUT = 60


class ExactResponse(GenerateResponse):
    """The seed's answer, and nothing else; no type is converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


@pytest.mark.parametrize("token", ["hf_abcdefghijklmnopqrstuvwxyz", None], ids=["token", "no token"])
def test_client_prints_the_answer(url: str, golden: Answer, token: str | None) -> None:
    client = Path(__file__).with_name("seed_client.py")
    env = {**os.environ, **({"HF_TOKEN": token} if token else {})}
    run = subprocess.run(
        [sys.executable, client, f"{url}/generate"], env=env, capture_output=True, encoding="utf-8", timeout=TIMEOUT
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == f"Input:\n{QUESTION}\n\nOutput:\n{golden['response']}\n"


def test_answer_has_the_fields_and_types_of_the_seed(url: str, golden: Answer) -> None:
    response = requests.post(f"{url}/generate", json={"prompt": QUESTION, "max_new_tokens": 512}, timeout=TIMEOUT)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/json")
    assert ExactResponse.model_validate_json(response.content).model_dump() == golden


def test_max_new_tokens_defaults_as_in_the_seed(url: str, golden: Answer) -> None:
    response = requests.post(f"{url}/generate", json={"prompt": QUESTION}, timeout=TIMEOUT)
    assert response.json() == golden


def test_connection_is_kept_for_the_next_request(url: str, golden: Answer) -> None:
    with requests.Session() as session:
        for _ in range(3):
            assert session.post(f"{url}/generate", json={"prompt": QUESTION}, timeout=TIMEOUT).json() == golden
        (pool,) = session.get_adapter(url).poolmanager.pools._container.values()
        assert pool.num_connections == 1


def test_health_answers_as_in_the_seed(url: str) -> None:
    response = requests.get(f"{url}/health", timeout=TIMEOUT)
    assert (response.status_code, response.json()) == (200, {"message": "API is running."})
