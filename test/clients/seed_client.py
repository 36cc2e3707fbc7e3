"""The client of the seed's document, as it stands there; only the address is given: seed_client.py URL"""

import sys

from huggingface_hub import get_token
import requests

url = sys.argv[1]

prompt = "What is an Inference Endpoint?"
data = {"prompt": prompt, "max_new_tokens": 512}


response = requests.post(
    url=url,
    json=data,
    headers={
        "Authorization": f"Bearer {get_token()}",
        "Content-Type": "application/json",
    },
).json()

print(f"Input:\n{prompt}\n\nOutput:\n{response['response']}")
