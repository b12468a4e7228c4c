#!/usr/bin/env python3
"""System calls per request and per streamed chunk, counted by strace. Exact, but for the share of
wake-ups that a loaded proxy saves by finding several connections ready at once.

  syscalls.py --peers nginx,haproxy,ours [--work unary,chunk,burst] [--conns 8]
"""
import argparse
import json
import sys
from collections import Counter

import peers
import report
import rig
from instructions import SINGLE

# Body, a short and a long run (requests in all; chunks of a stream), flags of the upstream. One
# stream at a time: of several, some chunks would share a wake-up, more of them on a busy machine.
WORK = {
    "unary": ("unary", (400, 2400), ()),
    "64k": ("64k", (100, 600), ()),
    "chunk": ("stream", (50, 350), ("--interval-us", 10000)),
    "burst": ("stream", (500, 3500), ("--interval-us", 10000, "--burst", 10)),
}


def read_counts(path):
    """strace's summary: a line of two numbers and a name per system call."""
    counts = Counter()
    with open(path) as file:
        for line in file:
            fields = line.split()
            if len(fields) >= 2 and fields[1].isdigit() and fields[0] != "total":
                counts[fields[0]] += int(fields[1])
    counts.pop("total", None)
    return counts


def run_once(peer, binaries, kind, size, flags, connections):
    streaming = kind == "stream"
    flags = (*flags, "--chunks", size) if streaming else flags
    bench = rig.Bench(peer, flags, (), binaries, patience=60)
    with rig.tempfile.TemporaryDirectory(prefix="strace-") as output:
        summary = rig.os.path.join(output, "summary")
        bench.wrap = ["strace", "-f", "-c", "-U", "name,calls", "-o", summary]
        with bench:
            if streaming:
                result = bench.load("stream", "stream", conns=1, count=1, seconds=120,
                                    expect_chunks=size)
            else:
                result = bench.load("unary", kind, conns=connections, count=size, seconds=120)
            rig.stop(bench.proxy, patience=60, traced=True)
            if result["errors"] or result["unfinished"]:
                raise RuntimeError(f"{peer.name}: {result['error_kinds']}")
            return read_counts(summary)


def measure(peer, binaries, work, connections):
    kind, (short, long), flags = WORK[work]
    first = run_once(peer, binaries, kind, short, flags, connections)
    second = run_once(peer, binaries, kind, long, flags, connections)
    return Counter({name: (second[name] - first[name]) / (long - short)
                    for name in first | second})


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default="nginx,haproxy,ours")
    parser.add_argument("--work", default="unary,chunk,burst", help="of: " + ", ".join(WORK))
    parser.add_argument("--conns", type=int, default=8, metavar="N",
                        help="connections of unary work (default 8)")
    parser.add_argument("--ours", metavar="PATH")
    parser.add_argument("--bin", action="append", default=[], metavar="PEER=PATH")
    parser.add_argument("--check", metavar="FILE",
                        help="fail where ours makes more than FILE's {work: {syscalls}}")
    arguments = parser.parse_args()
    with open(arguments.check or rig.os.devnull) as file:
        allowed = json.loads(file.read() or "{}")
    rig.build_programs()
    binaries = dict(pair.split("=", 1) for pair in arguments.bin)
    if arguments.ours:
        binaries["ours"] = rig.os.path.abspath(arguments.ours)
    rows, failures = [], 0
    for work in arguments.work.split(","):
        for peer in peers.select(arguments.peers.split(","), binaries):
            counts = measure(SINGLE.get(peer.name, peer), binaries, work, arguments.conns)
            parts = ", ".join(f"{name} {count:.2f}" for name, count in counts.most_common()
                              if count >= 0.01)
            total = sum(counts.values())
            rows.append([work, peer.name, f"{total:.2f}", parts])
            limit = allowed.get(work, {}).get("syscalls")
            if peer.name == "ours" and limit is not None and total > limit:
                print(f"{work}: {total:.2f} system calls, above {limit}", file=sys.stderr)
                failures += 1
    print(report.table(["work", "proxy", "system calls", "of which"], rows))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
