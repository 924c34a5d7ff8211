"""Plays Vowpal Wabbit through worlds: the benchmark's rival, driven over pipes.

stdin: a line of JSON {"arguments": "...", "worlds": N}, then per world a line {"payments": N} and N lines, one per payment:
    at_ms TAB delay_ms TAB context features TAB gateway:outcome:kept,...   (what would become of it at each eligible gateway)
stdout: per world a line of the chosen gateways, separated by blanks. Outcomes are told when they are known, not before.
"""

import heapq
import json
import random
import sys

from vowpalwabbit import Workspace


def examples(workspace, context, gateways):
    lines = ["shared |C " + context]
    lines += [f"|A g{gateway} fee:{1 - kept:.4f}" if kept < 1 else f"|A g{gateway}" for gateway, _, kept in gateways]
    return workspace.parse("\n".join(lines))


def play(arguments, payments):
    workspace = Workspace(arguments + " --quiet")
    draw = random.Random(1)
    due, chosen = [], []

    for number, (at_ms, delay_ms, context, gateways) in enumerate(payments):
        while due and due[0][0] <= at_ms:
            _, _, asked, at, label = heapq.heappop(due)
            asked[at + 1].set_label_string(label)
            workspace.learn(asked)
            workspace.finish_example(asked)
        asked = examples(workspace, context, gateways)
        law = workspace.predict(asked)
        left, at = draw.random() * sum(law), 0
        while at + 1 < len(law) and left >= law[at]:
            left -= law[at]
            at += 1
        gateway, success, kept = gateways[at]
        chosen.append(gateway)
        cost = -kept if success else 0.0
        heapq.heappush(due, (at_ms + delay_ms, number, asked, at, f"0:{cost:.6f}:{max(law[at], 1e-6):.6f}"))
    for _, _, asked, _, _ in due:
        workspace.finish_example(asked)
    workspace.finish()
    return chosen


def payment(line):
    at_ms, delay_ms, context, gateways = line.rstrip("\n").split("\t")
    parts = (one.split(":") for one in gateways.split(","))
    return int(at_ms), int(delay_ms), context, [(int(g), s == "1", float(k)) for g, s, k in parts]


def main():
    head = json.loads(sys.stdin.readline())
    for _ in range(head["worlds"]):
        count = json.loads(sys.stdin.readline())["payments"]
        payments = [payment(sys.stdin.readline()) for _ in range(count)]
        print(*play(head["arguments"], payments), flush=True)


main()
