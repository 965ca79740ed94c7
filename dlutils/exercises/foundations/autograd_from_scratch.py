"""Exercises of 1.5, Automatic differentiation from scratch: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import numpy as np


def _broadcast_cases(rng):
    for grad, shape in (((5, 3), (3,)), ((5, 3), (5, 1)), ((5, 3), ()), ((2, 5, 3), (1, 3)), ((4, 2), (4, 2))):
        yield rng.standard_normal(grad), shape


@exercise(
    "Return grad summed over the axes that broadcasting added or stretched, so that it has the given shape.",
    _broadcast_cases,
)
def sum_to_shape(grad, shape):
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    stretched = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return grad.sum(axis=stretched, keepdims=True)


@sum_to_shape.mistake("broadcasting repeats a value, and the gradients of its uses add up: sum them, do not average")
def _(grad, shape):
    return sum_to_shape(grad, shape) * (np.prod(shape) / grad.size)


@sum_to_shape.mistake("axes added in front are summed; an axis that was stretched from 1 must be summed too, and stay")
def _(grad, shape):
    return grad.sum(axis=tuple(range(grad.ndim - len(shape))))


@sum_to_shape.mistake("taking one slice drops the gradients of all the other uses; they must be added")
def _(grad, shape):
    while grad.ndim > len(shape):
        grad = grad[0]
    return grad[tuple(slice(0, size) for size in shape)]


def _softmax_backward_cases(rng):
    for n, k in ((2, 3), (4, 5), (3, 2)):
        P = np.exp(rng.standard_normal((n, k)))
        yield P / P.sum(axis=1, keepdims=True), rng.standard_normal((n, k))


@exercise(
    "Given P = softmax(Z), row by row, and the gradient dP, return the gradient dZ.",
    _softmax_backward_cases,
)
def softmax_backward(P, dP):
    return P * (dP - (dP * P).sum(axis=1, keepdims=True))


@softmax_backward.mistake("that is only the diagonal of the Jacobian; raising one logit also lowers all the other p's")
def _(P, dP):
    return P * (1 - P) * dP


@softmax_backward.mistake("the sum runs over the classes (axis 1), one for each row, not over the whole batch")
def _(P, dP):
    return P * (dP - (dP * P).sum())


@softmax_backward.mistake("the sum runs over the classes, axis 1; over axis 0 it mixes the examples of the batch")
def _(P, dP):
    return P * (dP - (dP * P).sum(axis=0))


@softmax_backward.mistake("right but for the factor P in front: the slope of each p is itself proportional to p")
def _(P, dP):
    return dP - (dP * P).sum(axis=1, keepdims=True)


@softmax_backward.mistake("the sum is weighted by the probabilities: (dP * P).sum(axis=1), not dP.sum(axis=1)")
def _(P, dP):
    return P * (dP - dP.sum(axis=1, keepdims=True))


@softmax_backward.mistake("P - Y is the gradient of cross-entropy and softmax together; here any dP may arrive")
def _(P, dP):
    return P - dP


def _graph_cases(rng):
    yield {"a": [], "b": ["a"]}, "b"
    yield {"x": [], "u": ["x", "x"], "w": ["u"], "L": ["u", "w"]}, "L"
    yield {"x": [], "y": [], "L": ["x", "y"]}, "L"  # from left to right: x before y
    for _ in range(3):  # node i draws parents from those before it, in a random order of names
        names = [str(name) for name in rng.permutation(list("abcdefgh"))]
        graph = {}
        for i, name in enumerate(names):
            graph[name] = [str(p) for p in rng.permutation(names[:i])[: rng.integers(1, 4)]] if i else []
        graph[names[-1]] = names[-2:0:-1]  # the last depends on nearly all, directly and through others
        yield graph, names[-1]


@exercise(
    "Return the nodes that root depends on and root itself, each after its parents, by a depth-first walk.",
    _graph_cases,
)
def order_of(parents, root):
    order = []

    def visit(name):
        if name not in order:
            for parent in parents[name]:
                visit(parent)
            order.append(name)

    visit(root)
    return order


@order_of.mistake("that writes a node down before its parents; do it after the loop over them")
def _(parents, root):
    order = []

    def visit(name):
        if name not in order:
            order.append(name)
            for parent in parents[name]:
                visit(parent)

    visit(root)
    return order


@order_of.mistake("a node that several others use must appear once only; skip those already in the list")
def _(parents, root):
    return [name for parent in parents[root] for name in _every_path(parents, parent)] + [root]


def _every_path(parents, name):
    return [below for parent in parents[name] for below in _every_path(parents, parent)] + [name]


@order_of.mistake("that walk visits parents from right to left: a stack hands out last what was pushed first")
def _(parents, root):
    return order_of({name: above[::-1] for name, above in parents.items()}, root)


@order_of.mistake("root itself belongs at the end of the list")
def _(parents, root):
    return order_of(parents, root)[:-1]


@order_of.mistake(
    "reversing the order of first visits is not enough: write a node down after the loop over its parents"
)
def _(parents, root):
    first_visits = []

    def visit(name):
        if name not in first_visits:
            first_visits.append(name)
            for parent in parents[name]:
                visit(parent)

    visit(root)
    return first_visits[::-1]


@order_of.mistake("that is the order of the backward pass; turn it round, so that parents come first")
def _(parents, root):
    return order_of(parents, root)[::-1]
