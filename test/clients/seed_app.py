"""The seed's routes without its model: the reference for what FastAPI and pydantic accept, and say of the rest."""

from fastapi import FastAPI
from pydantic import BaseModel, Field

MAX_NEW_TOKENS = 512


class GenerateRequest(BaseModel):
    prompt: str = Field(..., min_length=1, description="Plain-text prompt")
    max_new_tokens: int = Field(
        128,
        ge=1,
        le=MAX_NEW_TOKENS,
        description="Upper bound on generated tokens",
    )


class GenerateResponse(BaseModel):
    response: str
    input_token_count: int
    output_token_count: int


app = FastAPI()


@app.get("/health")
def health():
    return {"message": "API is running."}


@app.post("/generate", response_model=GenerateResponse)
def generate(request: GenerateRequest) -> GenerateResponse:
    # As many tokens as were asked for: so a test sees which number was understood.
    return GenerateResponse(response="", input_token_count=1, output_token_count=request.max_new_tokens)
