"""Three generators of the course on the same digits before one judge: how long they learn, and how far they are off.

The judge is that of 3.4: the squared Fréchet distance between features of drawn and of held-out digits.
"""

import dlutils

import copy
import functools
import itertools
import math
import statistics
import time
import types

import numpy as np
from sklearn.mixture import GaussianMixture

import torch
from torch import nn
from torch.nn import functional as F

import keras
import tensorflow as tf

from measure import Row, definitions

DRAWN = 1000  # pictures that are judged
NAMES = {"copy": copy, "itertools": itertools, "math": math, "time": time, "np": np, "torch": torch, "nn": nn, "F": F}
NAMES |= {"keras": keras, "layers": keras.layers, "ops": keras.ops, "tf": tf, "device": torch.device("cpu")}
NAMES |= {"pick": dlutils.pick, "SimpleNamespace": types.SimpleNamespace, "GaussianMixture": GaussianMixture}
STEPS = {"vae": 20, "gan": 1500, "diffusion": 1000}  # epochs of 3.1, steps of 3.2 and 3.4: their quick profiles


@functools.cache
def digits():
    """Training digits (n, 1, 28, 28) from -1 to 1 with their classes, and the held-out ones."""
    data = dlutils.load("mnist")
    scaled = ((x[:, None] / 127.5 - 1).astype(np.float32) for x in (data.x_train, data.x_test))
    images, held_out = scaled
    return images, data.y_train, held_out, data.y_test


@functools.cache
def lesson(name):
    images, labels, _, _ = digits()
    names = {**NAMES, "images": images, "labels": labels}
    constants = {
        "01_vae": ("CODE", "HIDDEN"),
        "02_gan": ("NOISE", "WIDTH", "RATE", "BETAS", "TORCH"),
        "04_diffusion": ("T", "ALPHAS_BAR", "FREQUENCIES", "WIDTH", "WIDE", "GUIDANCE"),
    }
    return definitions(f"03_generative/{name}.ipynb", constants[name], **names)


@functools.cache
def judge():
    """The classifier of 3.2, trained on the digits."""
    images, labels, held_out, answers = digits()
    code = lesson("02_gan")
    torch.manual_seed(0)
    net = code.digit_classifier(images, labels)
    right = (code.judged(net, held_out)[1].argmax(axis=1) == answers).mean()
    if right < 0.9:
        raise dlutils.CourseError(f"the judge reads only {right:.0%} of the held-out digits")
    return net


def distance(x):
    """Squared Fréchet distance of pictures (n, 1, 28, 28) to the held-out digits."""
    code = lesson("02_gan")
    return float(code.frechet(*(code.judged(judge(), pictures)[0] for pictures in (x, digits()[2]))))


def draw_by_vae(seed, epochs):
    """Seconds of training, and DRAWN pictures: with codes from the prior, and from a mixture fitted to the codes."""
    code = lesson("01_vae")
    X = torch.tensor((digits()[0].reshape(-1, 784) + 1) / 2)
    begin = time.perf_counter()
    model, _ = code.train(code.new_coder(seed), X, rate=0.008, epochs=epochs, seed=seed)
    learned = time.perf_counter()
    codes = code.codes_of(model, X)
    mixture = GaussianMixture(40, reg_covar=1e-3, tol=2e-2, random_state=seed).fit(codes)
    fitted = time.perf_counter()
    from_mixture = code.decode(model, code.draw_codes(mixture, DRAWN, np.random.default_rng(seed)))
    pictures = {"prior": code.sample(model, DRAWN, seed), "mixture": from_mixture}
    drawn = {name: (2 * x - 1).reshape(-1, 1, 28, 28).numpy() for name, x in pictures.items()}
    return {"prior": learned - begin, "mixture": fitted - begin}, drawn


def draw_by_gan(seed, steps):
    """Seconds of training, and DRAWN pictures."""
    code = lesson("02_gan")
    torch.manual_seed(seed)
    begin = time.perf_counter()
    pair = code.TorchPair(code.make_generator(code.WIDTH), code.make_discriminator(code.WIDTH))
    code.train(pair, digits()[0], steps, seed=seed)
    return time.perf_counter() - begin, code.sample(pair.average, DRAWN, seed)


def draw_by_diffusion(seed, steps):
    """Seconds of training, and DRAWN pictures, a tenth of each class."""
    code = lesson("04_diffusion")
    torch.manual_seed(seed)
    begin = time.perf_counter()
    net = code.UNet(code.WIDTH, code.WIDE).to(memory_format=torch.channels_last)
    average, _ = code.train(net, code.make_batches(steps, 16, seed), code.cosine_rate(steps, 3e-3))
    taken = time.perf_counter() - begin
    return taken, code.sample(average, np.arange(10).repeat(DRAWN // 10), 20, seed=seed).numpy()


def runs(seed, steps=STEPS):
    """{label: (seconds of training, squared Fréchet distance)} of one start."""
    seconds, drawn = draw_by_vae(seed, steps["vae"])
    found = {f"variational autoencoder (3.1), {name}": (seconds[name], distance(drawn[name])) for name in drawn}
    for label, draw, key in (("GAN (3.2)", draw_by_gan, "gan"), ("diffusion (3.4)", draw_by_diffusion, "diffusion")):
        taken, x = draw(seed, steps[key])
        found[label] = taken, distance(x)
    return found


def rows(repeats):
    images = digits()[0]
    floor = distance(images[np.random.default_rng(0).choice(len(images), DRAWN, replace=False)])
    starts = [runs(seed) for seed in range(min(repeats, 3))]
    what = f"learning to draw digits, {len(starts)} starts ({DRAWN:,} real digits: {floor:.0f})"
    for label in starts[0]:
        seconds, distances = zip(*(start[label] for start in starts), strict=True)
        between = f"{min(distances):.0f} to {max(distances):.0f}"
        yield Row(what, f"{label}: squared Fréchet distance {between}", statistics.median(seconds))
