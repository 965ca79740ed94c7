"""The DQN of 4.5.2 beside a library's, to a solved CartPole."""

import functools
import statistics
import time
import types
from typing import NamedTuple

import gymnasium as gym
import numpy as np

import torch
from torch import nn

import keras
import tensorflow as tf

from measure import Row, check_reached, definitions, with_library

SCORE = 475  # mean over 100 episodes
TYPES = {"NamedTuple": NamedTuple}  # what the cells of the notebook import from typing
CONSTANTS = ("SOLVE", "SCALE", "REWARD_SCALE", "TEST", "VALIDATION")


@functools.cache
def lesson():
    notebook = "04_projects/reinforcement_learning/02_dqn.ipynb"
    return definitions(notebook, CONSTANTS, gym=gym, keras=keras, nn=nn, np=np, tf=tf, time=time, torch=torch, **TYPES)


def in_torch(seed):
    """Seconds until the lesson's PyTorch learner has passed its exam, exams included, and the learner."""
    agent = lesson().TorchDQN([lesson().Run(seed=seed, squared=True)])
    return lesson().learn(agent, **lesson().SOLVE)["seconds"], agent


def in_keras(seed):
    agent = lesson().KerasDQN(lesson().Run(seed=seed, squared=True))
    return lesson().learn(agent, **lesson().SOLVE)["seconds"], agent


def in_stable_baselines3(seed):
    """The library with the settings that RL Baselines3 Zoo tuned for this task: 50,000 steps, two layers of 256, …"""
    from stable_baselines3 import DQN

    settings = {"learning_rate": 2.3e-3, "batch_size": 64, "buffer_size": 100_000, "learning_starts": 1000}
    settings |= {"gamma": 0.99, "target_update_interval": 10, "train_freq": 256, "gradient_steps": 128}
    settings |= {"exploration_fraction": 0.16, "exploration_final_eps": 0.04, "policy_kwargs": {"net_arch": [256, 256]}}
    begin = time.perf_counter()
    model = DQN("MlpPolicy", gym.make("CartPole-v1"), seed=seed, device="cpu", **settings).learn(50_000)
    taken = time.perf_counter() - begin

    def q(observations, target=True):  # as the lesson's agents: a number for each action, one learner
        actions, _ = model.predict(observations[0], deterministic=True)
        return np.eye(2)[actions][None]

    return taken, types.SimpleNamespace(q=q, learners=1)


def seconds_to_cartpole(train, seed):
    """Seconds of training, after which the agent must reach SCORE over 100 episodes that it has never seen."""
    taken, agent = train(seed)
    check_reached(train.__name__, seed, float(lesson().evaluate(agent).mean()), SCORE)
    return taken


def rows(repeats):
    agents = {"DQN in PyTorch (4.5.2), exams included": in_torch, "the same in Keras": in_keras}
    label = "stable-baselines3's DQN, its tuned settings, 50,000 steps"
    agents = with_library(agents, label, in_stable_baselines3, "stable_baselines3")
    for label, train in agents.items():
        taken = statistics.median(seconds_to_cartpole(train, seed) for seed in range(repeats))
        yield Row(f"CartPole to {SCORE} of 500, off-policy", label, taken)
