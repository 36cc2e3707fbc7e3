"""What the Python parts share; run.sh starts them beside a server."""

import json
import os
from pathlib import Path
from typing import TypedDict

import pytest
from pydantic import BaseModel

#: Lines to show after the tests.
SUMMARY = pytest.StashKey[list[str]]()

QUESTION = "What is an Inference Endpoint?"
#: What has the model write JSON: a Person.
EXTRACTION = "Extract the name, age and city as JSON: Mia is 31 years old and lives in Rome."


class Person(BaseModel):
    name: str
    age: int
    city: str


MIA = Person(name="Mia", age=31, city="Rome")


class Answer(TypedDict):
    response: str
    input_token_count: int
    output_token_count: int


@pytest.fixture(scope="session")
def url() -> str:
    return os.environ["ROOST_URL"]


@pytest.fixture(scope="session")
def golden() -> Answer:
    """The answer to QUESTION, as torch and transformers gave it."""
    model = Path(__file__).parents[2] / "models" / "demo"
    cases = json.loads((model / "golden.json").read_text(encoding="utf-8"))["cases"]
    case = next(
        case
        for case in cases
        if case["messages"] == [{"role": "user", "content": QUESTION}] and not case.keys() & {"tools", "template"}
    )
    return Answer(
        response=case["text"],
        input_token_count=len(case["input_ids"]),
        output_token_count=len(case["output_ids"]),
    )


@pytest.fixture(scope="session")
def parts(golden: Answer) -> tuple[str, str]:
    """The same answer taken apart: what the model thought, and what it said."""
    thought, said = golden["response"].split("</think>")
    return thought.removeprefix("<think>").strip(), said.strip()


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    """Tells run.sh how many tests passed and failed."""
    for line in config.stash.get(SUMMARY, []):
        terminalreporter.write_line(line)
    passed, failed, errors = (len(terminalreporter.getreports(kind)) for kind in ("passed", "failed", "error"))
    if counts := os.environ.get("ROOST_CLIENTS_COUNTS"):
        with open(counts, "a", encoding="utf-8") as file:
            file.write(f"{passed} {failed + errors}\n")
