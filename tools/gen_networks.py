#!/usr/bin/env python3
"""Writes kernels/shared/rolling_select_leaf.h: the straight-line ends of the selection networks.

A leaf serves 2^j neighbouring outputs.  It reads the sorted candidates that all of them share
(2^j + e values) and the rows that only some of them see, and puts out the e + 1 wanted ranks of
each.  On the way down, each half of the outputs merges the candidates with its own sorted rows and
keeps the ranks that can still be wanted.  Merges and sorts are Batcher's odd-even networks;
comparators that no output needs are dropped.  Every leaf is checked against sorting before it is
written.  The file is generated, so it may be longer than the 500 lines of other files.

usage: gen_networks.py > kernels/shared/rolling_select_leaf.h
"""

import random

LEAVES = [(j, e) for j in range(4) for e in range(4)]
PRESORTED = 4  # runs of this many rows come sorted


class Network:
    """Values are numbers; each is an input or the min or max of two earlier values."""

    def __init__(self):
        self.nodes = []
        self.known = {}

    def value(self, *node):
        if node not in self.known:
            self.known[node] = len(self.nodes)
            self.nodes.append(node)
        return self.known[node]

    def compare(self, a, b):
        a, b = min(a, b), max(a, b)
        return self.value("MIN", a, b), self.value("MAX", a, b)

    def merge(self, a, b):
        """Odd-even merge of two sorted lists of any length."""
        if not a or not b:
            return list(a or b)
        if len(a) == 1 and len(b) == 1:
            return list(self.compare(a[0], b[0]))
        even = self.merge(a[0::2], b[0::2])
        odd = self.merge(a[1::2], b[1::2])
        out = [even[0]]
        for k in range(max(len(odd), len(even) - 1)):
            if k < len(odd) and k + 1 < len(even):
                out += self.compare(even[k + 1], odd[k])
            else:
                out.append(odd[k] if k < len(odd) else even[k + 1])
        return out

    def sort(self, values):
        if len(values) < 2:
            return list(values)
        half = len(values) // 2
        return self.merge(self.sort(values[:half]), self.sort(values[half:]))


def build(j, e):
    net = Network()
    outputs = {}

    def run(side, first, h):
        if h >= PRESORTED:
            return [net.value("IN", side + "_sorted", first + i) for i in range(h)]
        return net.sort([net.value("IN", side, first + i) for i in range(h)])

    def descend(o, level, candidates):
        if level == 0:
            outputs[o] = candidates
            return
        h = 1 << (level - 1)
        for first, side, at in ((o, "older", o + h), (o + h, "newer", o)):
            merged = net.merge(candidates, run(side, at, h))
            descend(first, level - 1, merged[h : len(merged) - h])

    descend(0, j, [net.value("IN", "list", i) for i in range((1 << j) + e)])
    return net, outputs


def evaluate(net, inputs):
    values = []
    for kind, a, b in net.nodes:
        if kind == "IN":
            values.append(inputs[a][b])
        else:
            values.append((min if kind == "MIN" else max)(values[a], values[b]))
    return values


def check(j, e, net, outputs):
    t = 1 << j
    rng = random.Random(7)
    for window in range(max(t, e + 1), t + 9):
        for lowest in range(window - e):
            rows = [rng.randrange(30) for _ in range(window + t)]  # row i of the tile: rows[i + 1]
            older = [None] + rows[1:t]  # older[k] is row k - 1
            newer = rows[window + 1 :]
            core = sorted(rows[t : window + 1])
            ranks = range(lowest - t + 1, lowest + e + 1)
            candidates = [-99 if r < 0 else 99 if r >= len(core) else core[r] for r in ranks]
            inputs = {"list": candidates, "older": older, "newer": newer}
            inputs["older_sorted"] = [None] * 4 + sorted(older[4:8]) if t > 4 else []
            inputs["newer_sorted"] = sorted(newer[0:4])
            values = evaluate(net, inputs)
            for o, wanted in outputs.items():
                expected = sorted(rows[o + 1 : o + 1 + window])[lowest : lowest + e + 1]
                assert [values[v] for v in wanted] == expected, (j, e, window, lowest, o)


OTHER = {"MIN": "LOWER", "MAX": "UPPER"}


def emit(j, e):
    net, outputs = build(j, e)
    check(j, e, net, outputs)
    live, stack = set(), [v for wanted in outputs.values() for v in wanted]
    while stack:
        v = stack.pop()
        if v not in live:
            live.add(v)
            if net.nodes[v][0] != "IN":
                stack += net.nodes[v][1:]
    ops = [v for v in sorted(live) if net.nodes[v][0] != "IN"]
    sides = ("list", "older", "newer", "older_sorted", "newer_sorted")
    lines = [
        f"/* {1 << j} outputs, {e + 1} ranks each: {len(ops)} operations. */",
        f"SELECT_INLINE void FN(select_leaf_{1 << j}_{e + 1})(",
        "    " + ", ".join(f"SELECT_IN {side}" for side in sides) + ", SELECT_OUT out)",
        "{",
    ]
    lines += [
        f"    (void){side};"
        for side in sides
        if not any(net.nodes[v][:2] == ("IN", side) for v in live)
    ]
    done, pending, made = set(), dict(outputs), {}

    def define(v):
        if v in done:
            return
        done.add(v)
        kind, a, b = net.nodes[v]
        if kind == "IN":
            lines.append(f"    const SELECT_V v{v} = SELECT_LOAD({a}, {b});")
            return
        define(a)
        define(b)
        twin = made.get((a, b))
        made[(a, b)] = v
        if twin is None:
            lines.append(f"    const SELECT_V v{v} = SELECT_{kind}(v{a}, v{b});")
        else:
            lines.append(f"    const SELECT_V v{v} = SELECT_{OTHER[kind]}(v{a}, v{b}, v{twin});")

    def finish():
        for o in [o for o, wanted in pending.items() if all(v in done for v in wanted)]:
            for i, v in enumerate(pending.pop(o)):
                lines.append(f"    SELECT_STORE(out, {o * (e + 1) + i}, v{v});")

    for v in ops:
        define(v)
        finish()
    for wanted in pending.values():
        for v in wanted:
            define(v)
    finish()
    return lines + ["}", ""]


def main():
    print("/* Generated by tools/gen_networks.py; do not edit.  Longer than other files may be.")
    print(" *")
    print(" * Straight-line selection leaves, legal in C and in OpenCL C.  The includer defines")
    print(" * SELECT_V (a value), SELECT_IN and SELECT_OUT (pointers), SELECT_LOAD(pointer, index),")
    print(" * SELECT_STORE(pointer, index, value), SELECT_MIN, SELECT_MAX, SELECT_UPPER(a, b, the lower),")
    print(" * SELECT_LOWER(a, b, the upper), SELECT_INLINE and SFX.")
    print(" *   list          the sorted candidates that all outputs share")
    print(" *   older[k]      the row that leaves before output k, k >= 1")
    print(" *   newer[k]      the row that enters with output k + 1")
    print(" *   *_sorted      the same rows, runs of four sorted: older 4 ... 7, newer 0 ... 3")
    print(" *   out           the ranks of output 0, the ranks of output 1, ...")
    print(" * Included once per dtype, hence no guard. */")
    print("/* clang-format off */")
    for j, e in LEAVES:
        print("\n".join(emit(j, e)))
    print("/* clang-format on */")


if __name__ == "__main__":
    main()
