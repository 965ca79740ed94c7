"""The agents of 4.5.3 beside a library, to a solved CartPole."""

import functools
import statistics
import time
import types
from typing import NamedTuple

import gymnasium as gym
import numpy as np
import pandas as pd

import torch
from torch import nn

import keras
import tensorflow as tf

from measure import Row, check_reached, definitions, operations, with_library

CARTPOLE = {"steps": 98_304, "score": 475}  # score: mean over 100 episodes
TYPES = {"NamedTuple": NamedTuple}  # what the cells of the notebook import from typing


@functools.cache
def lesson():
    notebook = "04_projects/reinforcement_learning/03_policy_gradients_and_ppo.ipynb"
    return definitions(notebook, gym=gym, keras=keras, nn=nn, np=np, pd=pd, tf=tf, time=time, torch=torch, **TYPES)


def cartpole_in_torch(seed, steps):
    """Seconds of training of the lesson's PyTorch agent, and the agent."""
    agent = lesson().TorchAgent(seed=seed)
    return lesson().train(agent, seed=seed, total_steps=steps).attrs["seconds"], agent


def cartpole_in_keras(seed, steps):
    agent = lesson().KerasAgent(seed=seed)
    return lesson().train(agent, seed=seed, total_steps=steps).attrs["seconds"], agent


def cartpole_in_stable_baselines3(seed, steps):
    """The library with the settings that RL Baselines3 Zoo tuned for this task: 8 environments, 20 epochs, …"""
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env

    begin = time.perf_counter()
    falling = {"learning_rate": lambda left: 1e-3 * left, "clip_range": lambda left: 0.2 * left}
    settings = {"n_steps": 32, "batch_size": 256, "n_epochs": 20, "gamma": 0.98, "gae_lambda": 0.8, **falling}
    envs = make_vec_env("CartPole-v1", n_envs=8, seed=seed)
    model = PPO("MlpPolicy", envs, seed=seed, device="cpu", **settings).learn(steps)
    taken = time.perf_counter() - begin

    def predict(observations):  # as the lesson's agents: log-probabilities (here of a sure choice), values
        actions, _ = model.predict(observations, deterministic=True)
        return np.log(np.eye(2)[actions] + 1e-9), None

    return taken, types.SimpleNamespace(predict=predict)


def seconds_to_cartpole(train, seed):
    """Seconds of training for CARTPOLE's steps, after which the agent must reach its score over 100 episodes."""
    taken, agent = train(seed, CARTPOLE["steps"])
    score = float(lesson().evaluate(agent).mean())
    check_reached(train.__name__, seed, score, CARTPOLE["score"])
    return taken


def rows(repeats):
    agents = {"PPO in PyTorch (4.5.3)": cartpole_in_torch, "the same in Keras": cartpole_in_keras}
    label = "stable-baselines3, its tuned settings"
    agents = with_library(agents, label, cartpole_in_stable_baselines3, "stable_baselines3")
    part = CARTPOLE["steps"] // 24  # counted on a short run, for the count slows it
    work = operations(lambda: cartpole_in_torch(0, part)) * CARTPOLE["steps"] / part
    for label, train in agents.items():
        taken = statistics.median(seconds_to_cartpole(train, seed) for seed in range(repeats))
        what = f"CartPole to {CARTPOLE['score']} of 500, {CARTPOLE['steps']:,} steps"
        yield Row(what, label, taken, None if train is cartpole_in_stable_baselines3 else work)
