"""The same requests to the server and to the seed's routes in FastAPI: the answers must agree.

What may differ, for all requests:

- A number in `input` is compared by its value as a double: JavaScript knows no other, and writes 12.0 as 12.
- The position (after "body" in `loc`) and the words (`ctx.error`) of a JSON decode error: each parser has its own.

What else differs is in DIFFERENCES, with the reason. An entry that no longer holds fails as well.
"""

import contextlib
import http.client
import json
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient

from conftest import QUESTION, SUMMARY, Answer
from seed_app import app

JSON = "application/json"
TIMEOUT = 60


class Case(NamedTuple):
    body: bytes
    content_type: str | None = JSON
    method: str = "POST"
    path: str = "/generate"


class Reply(NamedTuple):
    status: int
    body: Any


class Difference(NamedTuple):
    """`what` is what `differences()` finds, in its words; `is_bug` is for what should not stay."""

    what: str
    why: str
    is_bug: bool = False


def prompt(value: str) -> Case:
    return Case(f'{{"prompt": {value}}}'.encode())


def tokens(value: str) -> Case:
    return Case(f'{{"prompt": "{QUESTION}", "max_new_tokens": {value}}}'.encode())


def body(value: str | bytes) -> Case:
    return Case(value if isinstance(value, bytes) else value.encode())


def typed(content_type: str | None, value: str = f'{{"prompt": "{QUESTION}"}}') -> Case:
    return Case(value.encode(), content_type)


def route(method: str, path: str) -> Case:
    return Case(b"", None, method, path)


CASES: dict[str, Case] = {
    # The prompt.
    "a question": prompt(f'"{QUESTION}"'),
    "prompt: one space": prompt('" "'),
    "prompt: NUL": prompt(r'"\u0000"'),
    "prompt: surrogate pair": prompt(r'"\ud83d\ude00"'),
    "prompt: half a surrogate pair": prompt(r'"\ud83d"'),
    "prompt: line separator": prompt('"\u2028"'),
    "prompt: missing": body("{}"),
    "prompt: misspelled": body('{"Prompt": "Hi"}'),
    "prompt: empty": prompt('""'),
    "prompt: null": prompt("null"),
    "prompt: number": prompt("5"),
    "prompt: float": prompt("5.0"),
    "prompt: huge number": prompt("999999999999999999999"),
    "prompt: infinite number": prompt("1e400"),
    "prompt: true": prompt("true"),
    "prompt: list": prompt('["Hi"]'),
    "prompt: object": prompt('{"prompt": "Hi"}'),
    # max_new_tokens, as a number.
    "tokens: least": tokens("1"),
    "tokens: most": tokens("512"),
    "tokens: whole float": tokens("12.0"),
    "tokens: exponent": tokens("1e1"),
    "tokens: almost whole": tokens("12.0000000000000001"),
    "tokens: 0": tokens("0"),
    "tokens: -0.0": tokens("-0.0"),
    "tokens: -1": tokens("-1"),
    "tokens: 513": tokens("513"),
    "tokens: 513.0": tokens("513.0"),
    "tokens: 1e3": tokens("1e3"),
    "tokens: 0.5": tokens("0.5"),
    "tokens: 12.5": tokens("12.5"),
    "tokens: 2**53 + 1": tokens("9007199254740993"),
    "tokens: 21 digits": tokens("999999999999999999999"),
    "tokens: minus 21 digits": tokens("-999999999999999999999"),
    "tokens: 400 digits": tokens("9" * 400),
    "tokens: 5000 digits": tokens("9" * 5000),
    "tokens: 1e20": tokens("1e20"),
    "tokens: 1e400": tokens("1e400"),
    # max_new_tokens, as anything else.
    "tokens: null": tokens("null"),
    "tokens: true": tokens("true"),
    "tokens: false": tokens("false"),
    "tokens: list": tokens("[12]"),
    "tokens: object": tokens('{"a": 1}'),
    'tokens: "12"': tokens('"12"'),
    'tokens: " 12 "': tokens('" 12 "'),
    'tokens: "\\t12\\n"': tokens(r'"\t12\n"'),
    "tokens: string with byte order mark": tokens(r'"\ufeff12"'),
    'tokens: "+12"': tokens('"+12"'),
    'tokens: "012"': tokens('"012"'),
    'tokens: "12.0"': tokens('"12.0"'),
    'tokens: "12."': tokens('"12."'),
    'tokens: ".0"': tokens('".0"'),
    'tokens: "12.5"': tokens('"12.5"'),
    'tokens: "1e1"': tokens('"1e1"'),
    'tokens: "1_0"': tokens('"1_0"'),
    'tokens: "0x10"': tokens('"0x10"'),
    'tokens: "0"': tokens('"0"'),
    'tokens: "513"': tokens('"513"'),
    "tokens: string of 21 digits": tokens('"999999999999999999999"'),
    "tokens: string of 5000 digits": tokens(f'"{"9" * 5000}"'),
    "tokens: empty string": tokens('""'),
    "tokens: word": tokens('"ten"'),
    "tokens: Arabic digit": tokens(r'"\u0663"'),
    # Several faults, and fields that nobody knows.
    "both wrong": body('{"prompt": "", "max_new_tokens": 0}'),
    "both wrong, in the other order": body('{"max_new_tokens": 513, "prompt": 5}'),
    "missing and too large": body('{"max_new_tokens": 513}'),
    "missing and no number": body('{"max_new_tokens": "x", "extra": [1, null, {"a": 1.5}]}'),
    "extra field": body('{"prompt": "Hi", "extra": {"a": [1]}}'),
    "empty key": body('{"": 1}'),
    "keys that are numbers": body('{"2": 1, "1": 2}'),
    "key constructor": body('{"constructor": 1, "toString": 2, "hasOwnProperty": 3}'),
    "key __proto__": body('{"prompt": "Hi", "__proto__": {}}'),
    "key __proto__, inside": body('{"prompt": {"__proto__": 1}}'),
    "key twice, the last one wrong": body('{"prompt": "Hi", "prompt": ""}'),
    "key twice, the last one right": body('{"prompt": "", "prompt": "Hi"}'),
    "more than 1 MB": prompt(f'"{"a" * 1_100_000}"'),
    # Bodies that are no object.
    "no body": Case(b"", None),
    "empty body": body(""),
    "body: {} with spaces": body(" \r\n\t{} "),
    "body: list": body('[{"prompt": "Hi"}]'),
    "body: string": body('"Hi"'),
    "body: number": body("5"),
    "body: false": body("false"),
    "body: null": body("null"),
    # Bodies that are no JSON.
    "JSON: spaces": body("   "),
    "JSON: broken off": body('{"prompt": "Hi"'),
    "JSON: broken off in a string": body('{"prompt": "Hi'),
    "JSON: broken off in a word": body("nul"),
    "JSON: trailing comma": body('{"prompt": "Hi",}'),
    "JSON: single quotes": body("{'prompt': 'Hi'}"),
    "JSON: no colon": body('{"prompt" "Hi"}'),
    "JSON: no value": body('{"prompt": }'),
    "JSON: no comma": body('{"prompt": "Hi" "max_new_tokens": 1}'),
    "JSON: text after it": body('{"prompt": "Hi"} x'),
    "JSON: comment": body('// Hi\n{"prompt": "Hi"}'),
    "JSON: form": body("prompt=Hi"),
    "JSON: tab in a string": prompt('"\t"'),
    "JSON: wrong escape": prompt(r'"\x"'),
    "JSON: leading zero": tokens("012"),
    "JSON: plus": tokens("+12"),
    "JSON: NaN": tokens("NaN"),
    "JSON: nested 500 deep": body(f'{{"prompt": "Hi", "extra": {"[" * 500 + "]" * 500}}}'),
    "JSON: nested 5000 deep": body(f'{{"prompt": "Hi", "extra": {"[" * 5000 + "]" * 5000}}}'),
    # Encodings.
    "UTF-8": prompt('"é 😀"'),
    "UTF-8 with byte order mark": body(b'\xef\xbb\xbf{"prompt": "Hi"}'),
    "UTF-16": body('{"prompt": "Hi"}'.encode("utf-16")),
    "Latin-1": body('{"prompt": "h\u00e9"}'.encode("latin-1")),
    "bytes that are no text": body(b"\xff\xfe\xfd"),
    # Content types.
    "type: with charset": typed("application/json; charset=utf-8"),
    "type: upper case": typed("APPLICATION/JSON"),
    "type: of an API": typed("application/vnd.api+json"),
    "type: none": typed(None),
    "type: text": typed("text/plain"),
    "type: form": typed("application/x-www-form-urlencoded", "prompt=Hi"),
    "type: multipart": typed("multipart/form-data; boundary=x", "--x--"),
    "type: XML": typed("application/xml"),
    "type: nonsense": typed("json"),
    "type: text, empty body": typed("text/plain", ""),
    "type: form, empty body": typed("application/x-www-form-urlencoded", ""),
    # Routes.
    "GET /health": route("GET", "/health"),
    "HEAD /health": route("HEAD", "/health"),
    "POST /health": route("POST", "/health"),
    "GET /generate": route("GET", "/generate"),
    "GET /nothing": route("GET", "/nothing"),
    "GET /": route("GET", "/"),
    "GET /%ff": route("GET", "/%ff"),
    "POST /generate/": Case(f'{{"prompt": "{QUESTION}"}}'.encode(), path="/generate/"),
}

FASTAPI_FAILS = "FastAPI itself fails: it cannot write the value that it refuses"
BEYOND_DOUBLES = "the number is beyond what a double holds; FastAPI has limits of its own for some of these"


def other_type(sent: str) -> Difference:
    return Difference(
        "msg: Input should be a valid dictionary or object to extract fields from"
        f" → Input should be JSON, with the header Content-Type: application/json; input: {json.dumps(sent)} → null",
        "says which type it should be; a body of another type is not read",
    )


DIFFERENCES: dict[str, Difference] = {
    "JSON: nested 5000 deep": Difference("400 → 422 json_invalid", "what is wrong with JSON is always told so"),
    "Latin-1": Difference("400 → 422 json_invalid", "what is wrong with JSON is always told so"),
    "bytes that are no text": Difference("400 → 422 json_invalid", "what is wrong with JSON is always told so"),
    "type: text, empty body": Difference("422 missing → 422 model_attributes_type", "says which type it should be"),
    "type: form, empty body": Difference("422 missing → 422 model_attributes_type", "says which type it should be"),
    "GET /%ff": Difference("404 → 400", "a path that cannot be decoded"),
    "tokens: true": Difference("200 → 422 int_type", "pydantic reads true as 1, which nobody means"),
    "tokens: false": Difference("422 greater_than_equal → 422 int_type", "pydantic reads false as 0"),
    'tokens: "1_0"': Difference("200 → 422 int_parsing", "how Python writes numbers, and nobody else"),
    "tokens: string with byte order mark": Difference("422 int_parsing → 200", "a space for JavaScript"),
    "tokens: 400 digits": Difference("422 less_than_equal → 422 finite_number", BEYOND_DOUBLES),
    "tokens: 5000 digits": Difference("400 → 422 finite_number", BEYOND_DOUBLES),
    "tokens: string of 5000 digits": Difference("422 int_parsing_size → 422 int_parsing", BEYOND_DOUBLES),
    "tokens: 1e20": Difference("422 int_parsing_size → 422 less_than_equal", BEYOND_DOUBLES),
    "tokens: 1e400": Difference("500 → 422 finite_number", FASTAPI_FAILS),
    "prompt: infinite number": Difference("500 → 422 string_type", FASTAPI_FAILS),
    "prompt: half a surrogate pair": Difference("500 → 200", FASTAPI_FAILS),
    "JSON: NaN": Difference("500 → 422 json_invalid", f"NaN is no JSON; {FASTAPI_FAILS}"),
    "body: null": Difference("422 model_attributes_type → 422 missing", "so said FastAPI itself up to 0.150"),
    "key __proto__": Difference("200 → 422 json_invalid", "refused: it could reach a prototype"),
    "key __proto__, inside": Difference("422 string_type → 422 json_invalid", "refused: it could reach a prototype"),
    "UTF-16": Difference("200 → 422 json_invalid", "JSON between systems is UTF-8 (RFC 8259)"),
    "more than 1 MB": Difference("200 → 413", "FastAPI has no limit of the size of a body"),
    "type: none": other_type(f'{{"prompt": "{QUESTION}"}}'),
    "type: form": other_type("prompt=Hi"),
    "type: multipart": other_type("--x--"),
    "type: XML": other_type(f'{{"prompt": "{QUESTION}"}}'),
    "type: nonsense": other_type(f'{{"prompt": "{QUESTION}"}}'),
    "HEAD /health": Difference("405 → 200", "HEAD is answered where GET is, as HTTP asks for"),
    "GET /": Difference("404 → 405", "POST / is text-generation-inference's route"),
    "POST /generate/": Difference("307 → 404", "no redirect to the path without the slash"),
}


def answer_of_seed(client: TestClient, case: Case) -> Reply:
    headers = {} if case.content_type is None else {"content-type": case.content_type}
    response = client.request(case.method, case.path, content=case.body, headers=headers)
    return Reply(response.status_code, read(response.content))


def answer_of_server(url: str, case: Case) -> Reply:
    # No client of a higher level: they add a content type, or repair what is wrong.
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT)
    headers = {} if case.content_type is None else {"content-type": case.content_type}
    # A body that is too large is answered before all of it is sent.
    with contextlib.suppress(BrokenPipeError):
        connection.request(case.method, case.path, case.body, headers)
    response = connection.getresponse()
    reply = Reply(response.status, read(response.read()))
    connection.close()
    return reply


def read(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode()


def differences(seed: Reply, server: Reply) -> str:
    """What differs, as `field: FastAPI's → the server's`; empty if nothing does."""
    seed_faults, server_faults = faults(seed), faults(server)
    seed_kind, server_kind = kind(seed, seed_faults), kind(server, server_faults)
    if seed_kind != server_kind:
        return f"{seed_kind} → {server_kind}"
    found = []
    for one, other in zip(seed_faults, server_faults, strict=True):
        for field in ("type", "loc", "msg", "input", "ctx"):
            a, b = (comparable(field, fault) for fault in (one, other))
            if a != b:
                found.append(f"{field}: {shown(a)} → {shown(b)}")
        found += [f"{field}: not of FastAPI" for field in sorted(other.keys() - one.keys())]
    if not seed_faults and seed.status != 200 and seed.body != server.body:
        found.append(f"body: {shown(seed.body)} → {shown(server.body)}")
    return "; ".join(found)


def faults(reply: Reply) -> list[dict[str, Any]]:
    return reply.body["detail"] if reply.status == 422 else []


def kind(reply: Reply, of: list[dict[str, Any]]) -> str:
    return f"{reply.status} {', '.join(fault['type'] for fault in of)}".rstrip()


def comparable(field: str, fault: dict[str, Any]) -> Any:
    value = fault.get(field)
    if fault["type"] == "json_invalid":
        if field == "loc":
            return value[:1]
        if field == "ctx":
            return sorted(value)
    return doubles(value) if field == "input" else value


def doubles(value: Any) -> Any:
    """The value with every number as a double; what equals a number in Python, but is none, stays apart."""
    match value:
        case bool() | None | str():
            return (type(value).__name__, value)
        case int() | float():
            try:
                return float(value)
            except OverflowError:
                return float("inf")
        case list():
            return [doubles(item) for item in value]
        case dict():
            return {key: doubles(item) for key, item in value.items()}


def shown(value: Any) -> str:
    match value:
        case (_, plain):
            return json.dumps(plain, ensure_ascii=False)
        case str():
            return value
    return json.dumps(value, ensure_ascii=False)


@pytest.fixture(scope="module")
def seed() -> TestClient:
    return TestClient(app, raise_server_exceptions=False, follow_redirects=False)


@pytest.mark.parametrize("name", CASES)
def test_answers_as_fastapi(url: str, seed: TestClient, golden: Answer, name: str) -> None:
    case = CASES[name]
    expected, given = answer_of_seed(seed, case), answer_of_server(url, case)
    found = differences(expected, given)
    known = DIFFERENCES.get(name)
    if known is None:
        assert found == "", f"{case.body[:200]!r}: FastAPI answers {expected}, the server {given}"
    else:
        assert found == known.what, "no longer differs like this: bring DIFFERENCES up to date"
    # The route of another server answers in that server's shape.
    if given.status >= 400 and case.path != "/":
        assert given.body.keys() == {"detail"}
    if case.method == "POST" and expected.status == given.status == 200:
        assert given.body.keys() == expected.body.keys()
        if QUESTION.encode() in case.body:
            # The number was understood as FastAPI does.
            asked = expected.body["output_token_count"]
            assert given.body["output_token_count"] == min(asked, golden["output_token_count"])


def test_differences_are_of_cases() -> None:
    assert DIFFERENCES.keys() <= CASES.keys()


def test_openapi_describes_the_seed(url: str, seed: TestClient) -> None:
    expected = seed.get("/openapi.json").json()
    given = answer_of_server(url, route("GET", "/openapi.json")).body
    operations = {(path, method) for path, methods in expected["paths"].items() for method in methods}
    assert operations <= {(path, method) for path, methods in given["paths"].items() for method in methods}
    for name in ("GenerateRequest", "GenerateResponse"):
        of_seed, of_server = (document["components"]["schemas"][name] for document in (expected, given))
        assert of_server["required"] == of_seed["required"]
        for field, schema in of_seed["properties"].items():
            wanted = {key: value for key, value in schema.items() if key not in ("title", "description")}
            assert of_server["properties"][field].items() >= wanted.items(), field


@pytest.fixture(scope="module", autouse=True)
def table(request: pytest.FixtureRequest) -> None:
    """Has the differences shown after the tests, so that nobody forgets them."""
    lines = [f"{len(DIFFERENCES)} of {len(CASES)} requests are answered otherwise than by FastAPI (FastAPI → the server):"]
    for is_bug, title in ((True, "to be repaired"), (False, "meant to be")):
        lines += [
            f"  {title}: {name}: {difference.what} ({difference.why})"
            for name, difference in DIFFERENCES.items()
            if difference.is_bug == is_bug
        ]
    request.config.stash[SUMMARY] = lines
