"""The pretended GPU refuses what a real one refuses, and lets through what it lets through.

`make test-gpu-path` runs every notebook with it.
"""

import os
import subprocess
import sys
import textwrap

import pytest

import course

RIGHT = {
    "results and views": "assert (x + 1).device.type == (2 * x)[0].device.type == x.T.device.type == FACE",
    "a number of the CPU": "assert (x * torch.tensor(2.0)).device.type == FACE",
    "an index of the CPU": "assert x[torch.tensor([0])].device.type == FACE",
    "a slice filled from the CPU": "x[:1] = torch.ones(1, 3)\nassert x[0, 0].item() == 1",
    "back to the CPU": "assert x.cpu().numpy().shape == (2, 3) and x.to('cpu').device.type == 'cpu'",
    "a copy, not the same memory": "y = x.cpu()\ny += 1\nassert x.sum().item() == 0",
    "moving leaves the original": (
        "y = torch.zeros(2, 3)\n"
        "assert torch.as_tensor(y, device=device).device.type == y.to(device).device.type == FACE\n"
        "assert y.device.type == 'cpu'"
    ),
    "half precision": "with torch.autocast(device.type, torch.bfloat16):\n    x @ x.T",
    "factories": "assert torch.arange(3, device=device).device == torch.zeros_like(x).device == x.device",
    "parameters and buffers": (
        "model = nn.BatchNorm1d(3).to(device)\n"
        "assert {t.device.type for t in (*model.parameters(), *model.buffers())} == {FACE}\n"
        "assert isinstance(model.weight, nn.Parameter)"
    ),
    "a module made there": "assert nn.Linear(3, 2, device=device).weight.device.type == FACE",
    "a deep copy": "assert copy.deepcopy(nn.Linear(3, 2).to(device)).weight.device.type == FACE",
    "gradients": (
        "model = nn.Linear(3, 2).to(device)\n"
        "model(x).sum().backward()\n"
        "assert model.weight.grad.device.type == FACE\n"
        "assert torch.autograd.grad(model(x).sum(), model.weight)[0].device.type == FACE"
    ),
    "training": (
        "model = nn.Linear(3, 2).to(device)\n"
        "optimizer = torch.optim.Adam(model.parameters())\n"
        "before = model.weight.detach().clone()\n"
        "nn.functional.cross_entropy(model(x + 1), torch.tensor([0, 1], device=device)).backward()\n"
        "optimizer.step()\n"
        "assert optimizer.state[model.weight]['exp_avg'].device.type == FACE\n"
        "assert not torch.equal(before, model.weight)"
    ),
    "a state loaded from the CPU": "nn.Linear(3, 2).to(device).load_state_dict(nn.Linear(3, 2).state_dict())",
    "a recurrent network": "assert nn.LSTM(3, 4).to(device)(x)[0].device.type == FACE",
    "a generator of the GPU": "torch.rand(3, device=device, generator=torch.Generator(device).manual_seed(0))",
    "the course finds it": "assert dlutils.torch_device().type == FACE",
    "an export to core operators": "torch.export.export(nn.Linear(3, 2), (x.cpu(),)).run_decompositions()",
    "compiled": (
        "graphs = []\n"
        "back_end = lambda graph, inputs: graphs.append(graph) or graph.forward\n"
        "compiled = torch.compile(lambda x: (x + 1) * 2, backend=back_end)\n"
        "assert compiled(x).device.type == FACE and compiled(x.cpu()).device.type == 'cpu'\n"
        "assert len(graphs) == 1 and torch.cuda.is_available() == (FACE == 'cuda')"
    ),
    "in a thread": (
        "found = []\n"
        "thread = threading.Thread(target=lambda: found.append((x + 1).device.type))\n"
        "thread.start()\nthread.join()\nassert found == [FACE]"
    ),
}
WRONG = {
    "numpy": ("x.numpy()", "TypeError"),
    "numpy.asarray": ("np.asarray(x)", "TypeError"),
    "a gradient as numpy": (
        "m = nn.Linear(3, 2).to(device)\nm(x).sum().backward()\nm.weight.grad.numpy()",
        "TypeError",
    ),
    "inputs left behind": ("nn.Linear(3, 2).to(device)(torch.zeros(2, 3))", "RuntimeError"),
    "a model left behind": ("nn.Linear(3, 2)(x)", "RuntimeError"),
    "targets left behind": ("nn.functional.cross_entropy(x, torch.tensor([0, 1]))", "RuntimeError"),
    "a sum of both": ("x + torch.ones(2, 3)", "RuntimeError"),
    "both in a list": ("torch.cat([x, torch.ones(2, 3)])", "RuntimeError"),
    "both in a comparison": ("(x.argmax(1) == torch.zeros(2)).sum()", "RuntimeError"),
    "an index of the GPU in a tensor of the CPU": ("torch.ones(2)[torch.tensor([0], device=device)]", "RuntimeError"),
    "a mask of the GPU in a tensor of the CPU": ("torch.ones(2, 3)[x > 0]", "RuntimeError"),
    "a generator of the CPU": ("torch.rand(3, device=device, generator=torch.Generator())", "RuntimeError"),
    "a generator of the GPU on the CPU": ("torch.randperm(3, generator=torch.Generator(device))", "RuntimeError"),
    "choices by a generator of the CPU": ("torch.multinomial(x + 1, 1, generator=torch.Generator())", "RuntimeError"),
}
FLOAT64 = {
    "double on the GPU": ("x.double()", "TypeError"),
    "float64 made there": ("torch.zeros(2, dtype=torch.float64, device=device)", "TypeError"),
    "float64 moved there": ("torch.zeros(2, dtype=torch.float64).to(device)", "TypeError"),
    "a float64 model": ("nn.Linear(3, 2).to(device).double()", "TypeError"),
}


@pytest.fixture(scope="module", params=["cuda", "mps"])
def outcomes(request):
    """What became of each snippet, run in one process under the pretended GPU: {name: error or ""}."""
    snippets = {**RIGHT, **{name: code for name, (code, _) in {**WRONG, **FLOAT64}.items()}}
    program = (
        "import dlutils, copy, threading, traceback, numpy as np, torch\nfrom torch import nn\n"
        f"FACE = {request.param!r}\ndevice = torch.device(FACE)\n"
    )
    for name, code in snippets.items():
        program += f"x = torch.zeros(2, 3, device=device)\ntry:\n{textwrap.indent(code, '    ')}\n"
        program += f"except Exception as error:\n    print({name!r}, '|', type(error).__name__, error)\n"
    environment = {**os.environ, "COURSE_PRETEND_GPU": request.param, "COURSE_PROFILE": "quick"}
    course.no_network(environment)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment, timeout=240
    )
    assert done.returncode == 0, done.stderr
    said = dict(line.split(" | ", 1) for line in done.stdout.splitlines() if " | " in line)
    return request.param, said


@pytest.mark.parametrize("name", RIGHT)
def test_what_a_gpu_does_passes(outcomes, name):
    assert name not in outcomes[1], outcomes[1][name]


@pytest.mark.parametrize("name", WRONG)
def test_what_a_gpu_refuses_is_refused(outcomes, name):
    assert outcomes[1].get(name, "nothing").startswith(WRONG[name][1]), outcomes[1].get(name)


@pytest.mark.parametrize("name", FLOAT64)
def test_only_apples_gpu_refuses_float64(outcomes, name):
    face, said = outcomes
    assert said.get(name, "").startswith("TypeError Cannot convert a MPS Tensor") == (face == "mps"), said.get(name)


@pytest.mark.parametrize(("planted", "passes"), [("x.cpu().numpy()", True), ("x.numpy()", False)])
def test_a_device_mistake_planted_in_a_notebook_is_caught(run_notebook, planted, passes):
    source = f"import dlutils, torch\ndevice = dlutils.setup()\nx = torch.ones(3).to(device)\n_ = {planted}"
    code, said = run_notebook((source, ""), options=["--pretend-gpu=cuda"])
    assert (code == 0) == passes and ("convert cuda:0 device type tensor to numpy" in said) != passes, said
    code, said = run_notebook((source, ""))
    assert code == 0, f"without a GPU both pass: {said}"
