"""Requests that schemathesis makes up from the OpenAPI document, right ones and wrong ones.

No answer may be a 5xx, and each must be one that the document tells: its status, its content type, its body. What the
document allows must be accepted, what it forbids refused.
"""

import math
import os
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case, Config, HookContext
from schemathesis.specs.openapi.checks import positive_data_acceptance

TIMEOUT = 60

schema = schemathesis.openapi.from_url(
    f"{os.environ['ROOST_URL']}/openapi.json",
    config=Config.from_dict(
        {
            # max_new_tokens is no secret, though it has "token" in its name.
            "output": {"sanitization": {"enabled": False}},
        }
    ),
)


@schema.hook
def filter_body(context: HookContext, body: Any) -> bool:
    """Leaves out what is answered otherwise on purpose, and no JSON schema can say.

    Those are keys that could reach a prototype, and numerals in place of numbers, which are taken as FastAPI does.
    """
    return not any(key == "__proto__" or (key not in TEXTS and is_numeral(value)) for key, value in members(body))


#: Fields in which a numeral is a text like any other.
TEXTS = ("prompt", "inputs")


def is_numeral(value: Any) -> bool:
    try:
        return isinstance(value, str) and math.isfinite(float(value))
    except ValueError:
        return False


def members(value: Any) -> Iterator[tuple[str, Any]]:
    """All keys of all objects within, and their values."""
    match value:
        case dict():
            yield from value.items()
            for item in value.values():
                yield from members(item)
        case list():
            for item in value:
                yield from members(item)


def requests_of(number: int) -> settings:
    """The same requests every time, and nothing kept."""
    return settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


#: Routes of other servers, which have rules between parameters that the document does not tell, such as that
#: stream_options needs stream, or that /tokenize takes a prompt or messages.
OTHERS = "^/(v1/.*|generate_stream|tokenize)?$"


@schema.exclude(path_regex=OTHERS).parametrize()
@requests_of(400)
def test_answers_are_those_of_the_document(case: Case) -> None:
    is_of_another = isinstance(case.body, dict) and "inputs" in case.body and "prompt" not in case.body
    case.call_and_validate(timeout=TIMEOUT, excluded_checks=[positive_data_acceptance] if is_of_another else [])


@schema.include(path_regex=OTHERS).parametrize()
@requests_of(20)
def test_answers_of_others_routes_are_those_of_the_document(case: Case) -> None:
    # Fewer at random: the cases that schemathesis derives from each field of the document come on top, hundreds for a route.
    case.call_and_validate(timeout=TIMEOUT, excluded_checks=[positive_data_acceptance])


@pytest.mark.parametrize(
    "parameters",
    [
        {"repetition_penalty": 5e-324, "temperature": 1, "top_p": 0.9},
        {"repetition_penalty": 1e-38, "temperature": 1, "min_p": 0.1},
        {"repetition_penalty": 100, "temperature": 2},
        {"temperature": 5e-324},
        {"temperature": 2.2e-308, "top_p": 0.9},
        {"temperature": 2.2e-308, "min_p": 0.1},
        {"top_p": 5e-324, "min_p": 1, "top_k": 1_000_000},
    ],
    ids=str,
)
def test_numbers_at_the_edge_are_answered(url: str, parameters: dict[str, float]) -> None:
    """What the document allows, though nobody asks for it: the server must live on."""
    response = requests.post(f"{url}/generate", json={"prompt": "Hi", **parameters}, timeout=TIMEOUT)
    assert response.status_code == 200
    assert requests.get(f"{url}/health", timeout=TIMEOUT).status_code == 200
