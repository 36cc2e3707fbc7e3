"""Makes chats.jsonl: chats of the demo model's corpus, from a seed that it was not trained on (those were 1, 2 and 3).

    python bench/data/make_chats.py > bench/data/chats.jsonl

A line holds what the chat template takes (messages, tools, variables) and the answer that should follow.
"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "models" / "demo"))
from corpus import NO_THOUGHT, chats

SEED = 20_240
BYTES = 56_000


def line(messages, tools):
    *before, last = messages
    chat = {"messages": before, "answer": last["content"]}
    if tools: chat["tools"] = tools
    # With thinking off the template writes the empty thought, and the model was not trained to.
    if chat["answer"].startswith(NO_THOUGHT):
        chat["answer"] = chat["answer"].removeprefix(NO_THOUGHT)
        chat["variables"] = {"enable_thinking": False}
    return json.dumps(chat) + "\n"


size = 0
for messages, tools in chats(SEED):
    text = line(messages, tools)
    size += len(text)
    if size > BYTES: break
    sys.stdout.write(text)
