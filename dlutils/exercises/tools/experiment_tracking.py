"""Exercises of 6.4, experiment tracking: reference solutions, and the mistakes people make."""

from dlutils.exercises._core import exercise

import hashlib
import json
import struct

import numpy as np


def _crc(content, mirrored=0x82F63B78, start=0xFFFFFFFF, end=0xFFFFFFFF):
    remainder = start
    for byte in content:
        remainder ^= byte
        for _ in range(8):
            remainder = (remainder >> 1) ^ (mirrored if remainder & 1 else 0)
    return remainder ^ end


def _turn(remainder, by=15, constant=0xA282EAD8):
    return ((remainder >> by | remainder << (32 - by)) + constant) & 0xFFFFFFFF


def _packed(body, seal=lambda content: _turn(_crc(content))):
    head = struct.pack("<Q", len(body))
    return head + struct.pack("<I", seal(head)) + body + struct.pack("<I", seal(body))


def _pack_cases(rng):
    yield (b"",)
    yield (b"123456789",)
    for _ in range(4):
        yield (bytes(rng.integers(0, 256, int(rng.integers(5, 300))).astype(np.uint8)),)


@exercise("Return the bytes of one record of an event file.", _pack_cases)
def pack_record(body):
    def seal(content):
        remainder = 0xFFFFFFFF
        for byte in content:
            remainder ^= byte
            for _ in range(8):
                remainder = (remainder >> 1) ^ (0x82F63B78 if remainder & 1 else 0)
        remainder ^= 0xFFFFFFFF
        return struct.pack("<I", ((remainder >> 15 | remainder << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    head = struct.pack("<Q", len(body))
    return head + seal(head) + body + seal(body)


@pack_record.mistake("The length stands in eight bytes, not in four: '<Q'.")
def _short_length(body):
    head = struct.pack("<I", len(body))
    return head + struct.pack("<I", _turn(_crc(head))) + body + struct.pack("<I", _turn(_crc(body)))


@pack_record.mistake("The least byte comes first ('<Q' and '<I'), and yours come last ('>').")
def _big_endian(body):
    head = struct.pack(">Q", len(body))
    return head + struct.pack(">I", _turn(_crc(head))) + body + struct.pack(">I", _turn(_crc(body)))


@pack_record.mistake("The remainder itself is not the seal: turn it by 15 bits and add the constant (modulo 2³²).")
def _unmasked(body):
    return _packed(body, _crc)


@pack_record.mistake("Turned, but the constant 0xA282EAD8 is not added.")
def _no_constant(body):
    return _packed(body, lambda content: _turn(_crc(content), constant=0))


@pack_record.mistake("Turn the 32 bits to the right by 15: what falls out on the right comes in again on the left.")
def _turned_left(body):
    return _packed(body, lambda content: _turn(_crc(content), by=17))


@pack_record.mistake("This is zlib's polynomial. The event file has CRC-32C: 0x82F63B78, mirrored.")
def _zlib(body):
    return _packed(body, lambda content: _turn(_crc(content, 0xEDB88320)))


@pack_record.mistake("The remainder starts with all 32 bits set, so that zeros at the beginning count too.")
def _start_at_zero(body):
    return _packed(body, lambda content: _turn(_crc(content, start=0)))


@pack_record.mistake("At the end all bits of the remainder are flipped, before it is turned.")
def _not_flipped(body):
    return _packed(body, lambda content: _turn(_crc(content, end=0)))


@pack_record.mistake("The first seal covers the eight bytes of the length, not the content.")
def _one_seal_twice(body):
    head, sealed = struct.pack("<Q", len(body)), struct.pack("<I", _turn(_crc(body)))
    return head + sealed + body + sealed


@pack_record.mistake("The last seal covers the content only, not the whole record before it.")
def _seal_of_all(body):
    head = struct.pack("<Q", len(body))
    whole = head + struct.pack("<I", _turn(_crc(head))) + body
    return whole + struct.pack("<I", _turn(_crc(whole)))


@pack_record.mistake("The length has a seal of its own, between it and the content.")
def _no_head_seal(body):
    return struct.pack("<Q", len(body)) + body + struct.pack("<I", _turn(_crc(body)))


def _waiting_cases(rng):
    yield 0, 2.0, 120.0, 120.0
    yield 1, 2.0, 120.0, 120.0
    yield 2, 2.0, 120.0, 120.0
    yield 3, 2.0, 120.0, 120.0
    yield 7, 2.0, 120.0, 120.0
    yield 9, 1.0, 60.0, 20.0
    for _ in range(5):
        yield (
            int(rng.integers(3, 12)),
            float(rng.uniform(0.5, 3)),
            float(rng.uniform(10, 90)),
            float(rng.uniform(5, 60)),
        )


@exercise("Return the seconds that one call takes before it gives up.", _waiting_cases)
def seconds_lost(retries, factor, longest, timeout):
    waits = [min(factor * 2 ** (k - 1), longest) if k > 1 else 0 for k in range(1, retries + 1)]
    return (retries + 1) * timeout + sum(waits)


def _waits(retries, factor, longest, first=0.0, shift=1):
    return sum(min(factor * 2 ** (k - shift), longest) if k > 1 else first for k in range(1, retries + 1))


@seconds_lost.mistake("With n retries the server is asked n + 1 times: the first try is not a retry.")
def _no_first_try(retries, factor, longest, timeout):
    return retries * timeout + _waits(retries, factor, longest)


@seconds_lost.mistake("Each of the tries waits for its own timeout, not only one of them.")
def _one_timeout(retries, factor, longest, timeout):
    return timeout + _waits(retries, factor, longest)


@seconds_lost.mistake("The waiting between the tries is missing.")
def _no_waits(retries, factor, longest, timeout):
    return (retries + 1) * timeout


@seconds_lost.mistake("The tries themselves take time as well: a server that hangs is waited for until the timeout.")
def _only_waits(retries, factor, longest, timeout):
    return _waits(retries, factor, longest)


@seconds_lost.mistake("No wait is longer than `longest`.")
def _no_cap(retries, factor, longest, timeout):
    return (retries + 1) * timeout + _waits(retries, factor, float("inf"))


@seconds_lost.mistake("`longest` limits each wait, not their sum.")
def _cap_of_sum(retries, factor, longest, timeout):
    return (retries + 1) * timeout + min(longest, _waits(retries, factor, float("inf")))


@seconds_lost.mistake("The first retry comes at once: its wait is 0.")
def _first_waits(retries, factor, longest, timeout):
    return (retries + 1) * timeout + _waits(retries, factor, longest, first=min(factor, longest))


@seconds_lost.mistake("The second retry waits 2 · factor, not factor: the power counts the failures before it, less 1.")
def _one_power_less(retries, factor, longest, timeout):
    return (retries + 1) * timeout + _waits(retries, factor, longest, shift=2)


@seconds_lost.mistake("One doubling too many: retry k waits factor · 2^(k-1).")
def _one_power_more(retries, factor, longest, timeout):
    return (retries + 1) * timeout + _waits(retries, factor, longest, shift=0)


@seconds_lost.mistake("The waits double; yours grow by the same amount each time.")
def _linear(retries, factor, longest, timeout):
    return (retries + 1) * timeout + sum(min(factor * k, longest) if k > 1 else 0 for k in range(1, retries + 1))


@seconds_lost.mistake("The sum of the waits, not the last of them.")
def _last_wait(retries, factor, longest, timeout):
    return (retries + 1) * timeout + (min(factor * 2 ** (retries - 1), longest) if retries > 1 else 0)


def _merge_cases(rng):
    yield [("loss", 0, 1.0)], [("loss", 0, 1.0), ("loss", 1, 0.5)]
    yield [], [("loss", 0, 1.0)]
    yield [("loss", 0, 1.0), ("loss", 1, 0.9)], []
    yield [("loss", 1, 0.9)], [("accuracy", 1, 0.5), ("loss", 1, 0.9)]  # one step, two names
    yield [("loss", 2, 0.7)], [("loss", 0, 0.7), ("loss", 2, 0.6), ("loss", 2, 0.4)]  # trained again from a checkpoint
    yield [("a", 3, 0.1), ("a", 3, 0.1)], [("b", 3, 0.1), ("a", 3, 0.2)]  # the server has a line twice already
    yield [("loss", 5, 0.3)], [("loss", 9, 0.3), ("loss", 7, 0.2), ("loss", 8, 0.1), ("loss", 7, 0.4)]
    for _ in range(5):
        lines = [
            (("loss", "accuracy")[int(rng.integers(2))], int(rng.integers(0, 6)), int(rng.integers(0, 4)) / 4)
            for _ in range(16)
        ]
        yield lines[:6], lines[4:]


@exercise("Return the lines that must still be sent to the server.", _merge_cases)
def still_to_send(server, local):
    there = {(name, step) for name, step, _ in server}
    last = {(name, step): value for name, step, value in local}
    return [(name, step, last[name, step]) for name, step in sorted(last) if (name, step) not in there]


def _missing(server, local, key=lambda line: line[:2], there=lambda line: line[:2], first=False, order=sorted):
    found = {}
    for line in local:
        if not first or key(line) not in found:
            found[key(line)] = line
    known = {there(line) for line in server}
    return order([line for line in found.values() if there(line) not in known])


@still_to_send.mistake("Lines that the server has already would stand there twice: leave them out.")
def _all_again(server, local):
    return _missing([], local)


@still_to_send.mistake("A step may hold several names: what counts is the pair (name, step).")
def _by_step(server, local):
    return _missing(server, local, there=lambda line: line[1])


@still_to_send.mistake("A name has many steps: what counts is the pair (name, step).")
def _by_name(server, local):
    return _missing(server, local, there=lambda line: line[0])


@still_to_send.mistake("A step with another value is the same step: compare the pairs (name, step), without the value.")
def _with_value(server, local):
    return _missing(server, local, there=lambda line: line)


@still_to_send.mistake("Of a (name, step) that stands twice in the local file only one line may be sent.")
def _local_twice(server, local):
    return _missing(server, local, key=lambda line: line, there=lambda line: line[:2])


@still_to_send.mistake("Of a (name, step) that stands twice, the last line counts: the run was repeated from there.")
def _first_wins(server, local):
    return _missing(server, local, first=True)


@still_to_send.mistake("Right lines, other order: by name, then by step.")
def _as_written(server, local):
    return _missing(server, local, order=list)


@still_to_send.mistake("Right lines, other order: by name first, then by step.")
def _step_first(server, local):
    return _missing(server, local, order=lambda lines: sorted(lines, key=lambda line: (line[1], line[0])))


@still_to_send.mistake("Steps below the server's last one may be missing too: look at each, not at the largest.")
def _after_last(server, local):
    last = {}
    for name, step, _ in server:
        last[name] = max(step, last.get(name, -1))
    return [line for line in _missing([], local) if line[1] > last.get(line[0], -1)]


@still_to_send.mistake("How many lines the server has says nothing about which: do not cut the local file by a count.")
def _by_count(server, local):
    return local[len(server) :]


def _run(rng, rate, width, seed, accuracy):
    """A run whose settings stand in any order, as they do after a round trip through a tool."""
    items = [("rate", rate), ("width", width), ("seed", seed)]
    settings = {items[k][0]: items[k][1] for k in rng.permutation(3)}
    return settings, round(float(accuracy), 4)


def _best_cases(rng):
    lucky = [(0.1, 16, 0, 0.9), (0.1, 16, 1, 0.7), (0.1, 16, 2, 0.7), (0.5, 16, 0, 0.85), (0.5, 16, 1, 0.84)]
    yield ([_run(rng, *run) for run in lucky],)
    alone = [(0.1, 16, 0, 0.95), (0.5, 16, 0, 0.85), (0.5, 16, 1, 0.84), (0.5, 64, 0, 0.80), (0.5, 64, 1, 0.89)]
    yield ([_run(rng, *run) for run in alone],)  # one seed says little
    many = [(0.1, 16, 0, 0.8), (0.1, 16, 1, 0.8), (0.1, 16, 2, 0.8), (0.5, 16, 0, 0.84), (0.5, 16, 1, 0.82)]
    yield ([_run(rng, *run) for run in many],)  # the sum would choose the setting with more seeds
    for _ in range(8):
        runs = []
        for rate in (0.02, 0.1, 0.5):
            for width in (16, 64):
                level = rng.uniform(0.75, 0.8)
                seeds = range(int(rng.integers(1, 5)) if (rate, width) != (0.1, 16) else 3)
                runs += [_run(rng, rate, width, seed, level + 0.05 * rng.normal()) for seed in seeds]
        yield ([runs[k] for k in rng.permutation(len(runs))],)


@exercise("Return (rate, width, mean accuracy) of the best setting.", _best_cases)
def best_setting(runs):
    groups = {}
    for settings, accuracy in runs:
        groups.setdefault((settings["rate"], settings["width"]), []).append(accuracy)
    means = {key: sum(values) / len(values) for key, values in groups.items() if len(values) > 1}
    rate, width = max(means, key=means.get)
    return rate, width, means[rate, width]


def _best(runs, key=lambda s: (s["rate"], s["width"]), value=np.mean, least=2, choose=max):
    groups = {}
    for settings, accuracy in runs:
        groups.setdefault(key(settings), []).append(accuracy)
    scores = {k: float(value(v)) for k, v in groups.items() if len(v) >= least}
    return (*choose(scores, key=scores.get)[:2], scores[choose(scores, key=scores.get)])


@best_setting.mistake("This is the best single run, seed and luck included. Average over the seeds of a setting first.")
def _best_run(runs):
    settings, accuracy = max(runs, key=lambda run: run[1])
    return settings["rate"], settings["width"], accuracy


@best_setting.mistake("A setting is ranked by the mean of its seeds, not by its best seed.")
def _best_seed(runs):
    return _best(runs, value=max)


@best_setting.mistake("Right setting by its luckiest seed, but with the mean beside it: rank by the mean, too.")
def _best_seed_then_mean(runs):
    rate, width, _ = _best(runs, value=max)
    return rate, width, float(np.mean([a for s, a in runs if (s["rate"], s["width"]) == (rate, width)]))


@best_setting.mistake("A setting with a single seed has no spread to judge it by: the task leaves it out.")
def _singles_too(runs):
    return _best(runs, least=1)


@best_setting.mistake("The sum favours whoever has more seeds: take the mean.")
def _sum(runs):
    return _best(runs, value=sum)


@best_setting.mistake("Accuracy is better when it is larger: this is the worst setting.")
def _worst(runs):
    return _best(runs, choose=min)


@best_setting.mistake("Mean, not median.")
def _median(runs):
    return _best(runs, value=np.median)


@best_setting.mistake("A setting is rate AND width; yours averages over the widths.")
def _by_rate(runs):
    rate = _best(runs, key=lambda s: (s["rate"], 0))[0]
    rest = [run for run in runs if run[0]["rate"] == rate]
    width = _best(rest)[1] if any(sum(r[0]["width"] == w for r in rest) > 1 for w in (16, 64)) else 16
    return rate, width, float(np.mean([a for _, a in rest]))


@best_setting.mistake("The worst seed of a setting is a cautious choice, but the mean is asked for.")
def _worst_seed(runs):
    return _best(runs, value=min)


def _print_cases(rng):
    yield ({"rate": 0.1, "seed": 3},)
    yield ({"seed": 3, "rate": 0.1},)
    yield ({"rate": 1e-1, "layers": [64, 32], "name": "Größe"},)
    yield ({"rate": 0.10000000000000002, "seed": 3},)  # another number than 0.1
    yield ({"epochs": 2, "seed": 3},)
    yield ({"epochs": 2.0, "seed": 3},)  # what a round trip through JSON or text makes of 2
    yield ({"rate": 1e-05, "steps": 10**17, "augment": True},)
    yield ({"optimizer": {"name": "adam", "betas": [0.9, 0.999]}, "seed": 0},)
    yield ({"seed": 0, "optimizer": {"betas": [0.9, 0.999], "name": "adam"}},)  # inside too, the order is nobody's
    yield ({"layers": [32, 64]},)  # the order of a list does matter
    yield ({"optimizer": {"decay": 1.0, "steps": [2.0, [4.0, 0.5]]}, "stages": [{"epochs": 3.0}]},)  # at any depth
    for _ in range(3):
        yield ({"rate": float(rng.uniform()), "width": float(rng.integers(1, 99)), "seed": int(rng.integers(99))},)


@exercise("Return the SHA-256, in hexadecimal digits, of the settings' canonical JSON.", _print_cases)
def fingerprint_of(settings):
    def tidy(value):
        if isinstance(value, dict):
            return {name: tidy(part) for name, part in value.items()}
        if isinstance(value, list):
            return [tidy(part) for part in value]
        return int(value) if isinstance(value, float) and value.is_integer() else value

    text = json.dumps(tidy(settings), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _tidy(value, number=lambda x: int(x) if isinstance(x, float) and x.is_integer() else x, lists=list):
    if isinstance(value, dict):
        return {name: _tidy(part, number, lists) for name, part in value.items()}
    if isinstance(value, list):
        return lists(_tidy(part, number, lists) for part in value)
    return number(value)


def _sha(thing, **how):
    text = thing if isinstance(thing, str) else json.dumps(thing, **({"sort_keys": True} | how))
    return hashlib.sha256(text.encode()).hexdigest()


@fingerprint_of.mistake("Two orders of the same keys must give one fingerprint: sort them.")
def _unsorted(settings):
    return _sha(_tidy(settings), sort_keys=False)


@fingerprint_of.mistake("Keys inside of keys have an order too: sort_keys=True sorts them at every depth.")
def _outer_only(settings):
    return _sha(dict(sorted(_tidy(settings).items())), sort_keys=False)


@fingerprint_of.mistake("2 and 2.0 are the same setting here: make whole floats whole numbers first.")
def _no_numbers(settings):
    return _sha(settings)


@fingerprint_of.mistake("Whole floats inside of settings or lists inside are whole numbers too: go to any depth.")
def _top_only(settings):
    return _sha({k: int(v) if isinstance(v, float) and v.is_integer() else v for k, v in settings.items()})


@fingerprint_of.mistake("Whole floats inside of lists are whole numbers too.")
def _not_in_lists(settings):
    def tidy(value):
        if isinstance(value, dict):
            return {name: tidy(part) for name, part in value.items()}
        return int(value) if isinstance(value, float) and value.is_integer() else value

    return _sha(tidy(settings))


@fingerprint_of.mistake("Whole floats inside nested settings and lists need the same treatment, and only whole ones.")
def _all_to_float(settings):
    return _sha(_tidy(settings, lambda x: float(x) if type(x) is int else x))


@fingerprint_of.mistake("Rounded, two different rates get one fingerprint. Keep every digit (json.dumps does).")
def _rounded(settings):
    return _sha(_tidy(settings, lambda x: (int(x) if x.is_integer() else round(x, 10)) if type(x) is float else x))


@fingerprint_of.mistake("str() of a dict is Python's own form (True, single quotes), not JSON.")
def _python_text(settings):
    return _sha(str(_tidy(settings)))


@fingerprint_of.mistake("A list is in its order for a reason: do not sort it.")
def _sorted_lists(settings):
    return _sha(_tidy(settings, lists=lambda parts: sorted(parts, key=str)))


@fingerprint_of.mistake("Values became text: 3 and '3' would be the same setting.")
def _texts(settings):
    return _sha(_tidy(settings), default=str) if not settings else _sha(_tidy(settings, str))


@fingerprint_of.mistake("Canonical is what json.dumps writes by itself: no other separators, and ASCII.")
def _compact(settings):
    return _sha(_tidy(settings), separators=(",", ":"))


@fingerprint_of.mistake("Only ASCII: json.dumps with its own ensure_ascii=True.")
def _not_ascii(settings):
    return _sha(_tidy(settings), ensure_ascii=False)


@fingerprint_of.mistake("Python's hash of a text is another number in every process: use SHA-256.")
def _python_hash(settings):
    return str(hash(json.dumps(_tidy(settings), sort_keys=True)))


@fingerprint_of.mistake("The digits in hexadecimal (.hexdigest()), not the bytes.")
def _bytes(settings):
    return hashlib.sha256(json.dumps(_tidy(settings), sort_keys=True).encode()).digest()
