"""A GPU that is not there, so that the path through one can be tested without it.

`install("cuda")` makes PyTorch say that it has a CUDA GPU. Tensors that are put there stay in ordinary memory and
carry a mark; views, results, gradients, parameters, copies and the states of optimisers inherit it. Their `device`
says `cuda:0`, and what CUDA refuses is refused, in its words: mixing with tensors of the CPU, `.numpy()`, indexing a
tensor of the CPU with one of the GPU, a generator of the other device. `install("mps")` does the same for Apple's GPU,
which refuses float64 besides.

What it cannot show: speed, memory, rounding, and kernels that CUDA lacks.
"""

import functools
import threading

import torch
from torch.overrides import TorchFunctionMode, _pop_mode_temporarily
from torch.utils._pytree import tree_leaves

GETTERS = {getattr(torch.Tensor, name).__get__: name for name in ("device", "is_cuda", "is_mps", "is_cpu")}
MOVES = {torch.Tensor.to, torch.Tensor.cpu, torch.Tensor.cuda}
TO_HOST = {torch.Tensor.numpy, torch.Tensor.__array__}
# A copy may cross devices; so may the data of a parameter be replaced.
CROSSING = {torch.Tensor.copy_, torch.Tensor.data.__set__, torch.Tensor.__deepcopy__, torch.Tensor.__reduce_ex__}
CROSSING |= {
    torch.Tensor.get_device,
    torch.Tensor.is_shared,
    torch._has_compatible_shallow_copy_type,
    torch.Tensor.__repr__,
}
INDEXING = {torch.Tensor.__getitem__, torch.Tensor.__setitem__}
HOST_RESULTS = {torch.Tensor.tolist, torch.Tensor.item}


def marked(value):
    return getattr(value, "_pretended", False)


def mark(value, on=True):
    """Set or clear the mark of every tensor in a result; returns the result."""
    for leaf in [value] if isinstance(value, torch.Tensor) else tree_leaves(value):
        if isinstance(leaf, torch.Tensor) and marked(leaf) != on:
            leaf._pretended = on
    return value


class Generator(torch.Generator):
    """A random generator that remembers for which device it was made."""

    def __new__(cls, device="cpu"):
        self = super().__new__(cls)
        self._pretended = torch.device(device).type == MODE.face
        return self

    @property
    def device(self):
        return torch.device(MODE.face, 0) if self._pretended else torch.device("cpu")


class PretendGPU(TorchFunctionMode):
    """Intercepts every call of PyTorch from Python; what PyTorch then calls itself runs on the CPU, unseen."""

    def __init__(self, face):
        super().__init__()
        self.face = face

    def on_gpu(self, device):
        return isinstance(device, str | torch.device) and torch.device(device).type == self.face

    def __torch_function__(self, function, types, arguments=(), named=None):
        named = named or {}
        if function in (torch.device, torch._C._nn._parse_to):  # of names, not of tensors
            return function(*arguments, **named)
        leaves = tree_leaves((arguments, named))
        tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
        here = [marked(tensor) for tensor in tensors]
        if (name := GETTERS.get(function)) is not None:
            if not here[0]:
                return function(*arguments)
            return torch.device(self.face, 0) if name == "device" else name == f"is_{self.face}"
        if function in TO_HOST and here[0]:
            raise TypeError(
                f"can't convert {self.face}:0 device type tensor to numpy. "
                "Use Tensor.cpu() to copy the tensor to host memory first."
            )
        self.refuse_mixing(function, arguments, tensors, here)
        target = self.target(function, arguments, named, tensors, here)
        for leaf in leaves:
            if isinstance(leaf, Generator) and leaf._pretended != target:
                kinds = (self.face, "cpu") if target else ("cpu", self.face)
                raise RuntimeError(f"Expected a '{kinds[0]}' device type for generator but found '{kinds[1]}'")
        result = function(*self.to_cpu(arguments), **self.to_cpu(named))
        if any(tensor is result and mine != target for tensor, mine in zip(tensors, here, strict=True)):
            if function not in CROSSING:
                result = result.clone()  # moving always copies, by .to(), .cpu() or as_tensor(..., device=)
        if function == torch.Tensor.data.__set__:
            mark(arguments[0], here[-1])
        elif function not in CROSSING and function not in HOST_RESULTS:
            mark(result, target)
        if self.face == "mps" and target:
            self.refuse_float64(result)
        return result

    def refuse_mixing(self, function, arguments, tensors, here):
        if function in CROSSING or function in MOVES or len(set(here)) < 2:
            return
        if function in INDEXING:
            if here[0]:  # indices of the CPU are moved by themselves; a slice is filled by a copy
                return
            index = tree_leaves(arguments[1])
            if any(marked(part) for part in index):
                raise RuntimeError("indices should be either on cpu or on the same device as the indexed tensor (cpu)")
            return
        sized = {mine for tensor, mine in zip(tensors, here, strict=True) if tensor.dim() > 0}
        if len(sized) == 2 or (sized == {False} and function is not torch.Tensor.to):
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two devices, "
                f"{self.face}:0 and cpu! (in {torch.overrides.resolve_name(function) or function})"
            )

    def target(self, function, arguments, named, tensors, here):
        """Whether what comes out lies on the GPU."""
        if function is torch.Tensor.cpu:
            return False
        if function is torch.Tensor.cuda:
            return True
        if function is torch.Tensor.to:
            other = [a for a in (*arguments[1:], *named.values()) if isinstance(a, str | torch.device | torch.Tensor)]
            for place in other:
                return marked(place) if isinstance(place, torch.Tensor) else self.on_gpu(place)
            return here[0]
        if isinstance(device := named.get("device"), str | torch.device | int):
            return self.on_gpu(device) if not isinstance(device, int) else True
        return any(here)

    def to_cpu(self, value):
        """The same arguments with the GPU's name replaced."""
        if isinstance(value, dict):
            return {key: self.to_cpu(part) for key, part in value.items()}
        if type(value) in (list, tuple):
            return type(value)(self.to_cpu(part) for part in value)
        return torch.device("cpu") if self.on_gpu_quietly(value) else value

    def on_gpu_quietly(self, value):
        if isinstance(value, torch.device):
            return value.type == self.face
        return isinstance(value, str) and value.split(":")[0] == self.face

    def refuse_float64(self, result):
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor) and leaf.dtype in (torch.float64, torch.complex128):
                raise TypeError(
                    "Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64. "
                    "Please use float32 instead."
                )


MODE = None


def inheriting(method):
    """For what makes a tensor from another below the level at which calls are intercepted."""

    @functools.wraps(method)
    def wrapper(cls, data=None, *arguments, **named):
        result = method(cls, data, *arguments, **named)
        return mark(result) if marked(data) else result

    return wrapper


def hooks_see_marks(register):
    @functools.wraps(register)
    def wrapper(self, hook, *arguments, **named):
        if not marked(self):
            return register(self, hook, *arguments, **named)
        return register(self, lambda gradient: hook(mark(gradient)), *arguments, **named)

    return wrapper


def compiled_apart(compile_function):
    """For `torch.compile`, which cannot trace under a mode and asks the driver: the pretence pauses while it runs."""

    @functools.wraps(compile_function)
    def wrapper(function=None, **options):
        if function is None:  # a decorator with options
            return lambda function: wrapper(function, **options)
        compiled = compile_function(function, **options)

        def call(*arguments, **named):
            gpu = any(marked(leaf) for leaf in tree_leaves((arguments, named)))
            asked = {part: part.is_available for part in (torch.cuda, torch.accelerator)}
            try:
                for part in asked:
                    part.is_available = lambda: False
                with _pop_mode_temporarily():
                    result = compiled(*arguments, **named)
            finally:
                for part, answer in asked.items():
                    part.is_available = answer
            return mark(result) if gpu else result

        return call

    return wrapper


def install(face):
    """Have PyTorch say from now on that it has a GPU of this kind ("cuda" or "mps")."""
    global MODE
    MODE = PretendGPU(face)
    torch.Generator = Generator
    torch.nn.Parameter.__new__ = staticmethod(inheriting(torch.nn.Parameter.__new__))
    torch.Tensor.register_hook = hooks_see_marks(torch.Tensor.register_hook)
    torch.backends.mps.is_available = functools.cache(lambda: face == "mps")
    torch.cuda.is_available = lambda: face == "cuda"
    if face == "cuda":
        yes = {"device_count": 1, "current_device": 0, "get_device_name": "pretended GPU", "is_initialized": True}
        yes |= {"is_bf16_supported": True, "get_rng_state": torch.zeros(16, dtype=torch.uint8)}
        nothing = dict.fromkeys(("synchronize", "empty_cache", "init", "reset_peak_memory_stats", "set_rng_state"))
        no = dict.fromkeys(("is_current_stream_capturing", "max_memory_allocated", "memory_allocated"), 0)
        for name, value in (yes | nothing | no).items():
            setattr(torch.cuda, name, lambda *arguments, value=value, **named: value)
    torch.backends.cudnn.is_acceptable = lambda tensor: False
    torch.compile = compiled_apart(torch.compile)
    for name in ("_accelerator_graph_capture_health_check", "_cuda_graph_capture_health_check"):
        setattr(torch.optim.Optimizer, name, lambda self: None)  # they ask the driver
    MODE.__enter__()
    start = threading.Thread.run

    def run(self):  # the mode belongs to a thread: each new one enters it
        with PretendGPU(face):
            start(self)

    threading.Thread.run = run
