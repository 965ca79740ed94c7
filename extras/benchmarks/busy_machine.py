"""What a neighbour that keeps one core busy does to PyTorch's threads, with and without what `import dlutils` sets.

GNU OpenMP's threads spin at each barrier before they sleep: on a machine with a busy core they spin while the other
waits for its turn. See dlutils/__init__.py.
"""

import dlutils

import os
import statistics
import subprocess
import sys

from measure import ROOT, Row

# 60 steps of a small CNN and 300 of a small MLP, in a fresh process: the variables are read when PyTorch is imported.
PROGRAM = """
import sys, time
if sys.argv[1] == "course":
    import dlutils
import torch
from torch import nn

def training(model, X):
    optimizer, y = torch.optim.Adam(model.parameters()), torch.zeros(len(X), dtype=torch.long)
    def step():
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(X), y).backward()
        optimizer.step()
    return step

layers = [nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.MaxPool2d(2)]
cnn = training(nn.Sequential(*layers, nn.Flatten(), nn.Linear(800, 10)), torch.rand(64, 1, 28, 28))
mlp = training(nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)), torch.rand(32, 784))
cnn(), mlp()
begin = time.perf_counter()
for _ in range(60):
    cnn()
for _ in range(300):
    mlp()
print(time.perf_counter() - begin)
"""


def seconds(settings, neighbours, repeats):
    """Median seconds of PROGRAM beside so many processes that never rest."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(neighbours)]
    environment = {k: v for k, v in os.environ.items() if k not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    try:
        runs = [
            subprocess.run(
                [sys.executable, "-c", PROGRAM, settings], capture_output=True, text=True, env=environment, cwd=ROOT
            )
            for _ in range(repeats)
        ]
    finally:
        for process in busy:
            process.kill()
            process.wait()
    if failed := [run.stderr for run in runs if run.returncode]:
        raise dlutils.CourseError(f"the measured program stopped: {failed[0]}")
    return statistics.median(float(run.stdout) for run in runs)


def rows(repeats):
    for what, neighbours in (("training a small CNN and MLP, idle machine", 0), ("the same, one core kept busy", 1)):
        yield Row(what, "PyTorch after `import dlutils`", seconds("course", neighbours, repeats))
        yield Row(what, "PyTorch by default", seconds("default", neighbours, repeats))
