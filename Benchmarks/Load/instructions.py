#!/usr/bin/env python3
"""User-space instructions per request and per streamed chunk, by callgrind: one client connection,
one request at a time, keep-alive on both sides, TLS to the upstream. Repeats to about 1 %.

  instructions.py --peers nginx,ours [--work unary,chunk,burst] [--top 15] [--check FILE]
  instructions.py --observability [--check FILE]     what telling of requests costs: ours with
                                                     nothing told, with log and metrics, with spans
                                                     too, and with Langfuse on top, without content
                                                     and with it

  unary   one POST of about 1 KB and its answer
  64k     the same with a 64 KB body
  chunk   one event of a paced stream: a wake-up, a read and a write of its own
  burst   one event of a stream whose events come ten to a read
"""
import argparse
import json
import sys
import tempfile

import callgrind
import peers
import report
import rig

# A short and a long run: requests, streams a request has, chunks a stream has.
WORK = {
    "unary": ("unary", (500, 2000), ()),
    "64k": ("64k", (100, 400), ()),
    "chunk": ("stream", (200, 1200), ("--interval-us", 4000)),
    "burst": ("stream", (500, 4500), ("--interval-us", 5000, "--burst", 10)),
}
# From nothing told to everything.
TELLING = "ours-quiet,ours,ours-exporting,ours-observed,ours-observed-content"
# valgrind cannot follow AVX-512, so what it counts is OpenSSL's AVX2 code for every peer alike.
SINGLE = {"nginx": peers.Peer("nginx", peers.nginx_single, "nginx")}


def run_once(peer, binaries, kind, size, flags):
    """One run under callgrind of `size` requests, or of one stream of `size` chunks."""
    with tempfile.TemporaryDirectory(prefix="callgrind-") as output:
        streaming = kind == "stream"
        flags = (*flags, "--chunks", size) if streaming else flags
        rig.os.chmod(output, 0o777)
        with rig.Bench(peer, flags, callgrind.command(output), binaries, patience=120) as bench:
            if streaming:
                result = bench.load("stream", "stream", conns=1, count=1, seconds=300,
                                    expect_chunks=size)
            else:
                result = bench.load("unary", kind, conns=1, count=size, seconds=300)
            rig.stop(bench.proxy, patience=60)
        if result["errors"] or result["unfinished"] or not result["completed"]:
            raise RuntimeError(f"{peer.name}: {result['error_kinds']}")
        return callgrind.read_directory(output)


def measure(peer, binaries, work):
    kind, (short, long), flags = WORK[work]
    first = run_once(peer, binaries, kind, short, flags)
    second = run_once(peer, binaries, kind, long, flags)
    return second.less(first, long - short)


def print_profile(profile, top):
    rows = [[library or "?", f"{cost:,.0f}", f"{cost / profile.total:.0%}"]
            for library, cost in profile.libraries().most_common() if cost >= profile.total / 200]
    print(report.table(["library", "instructions", "share"], rows) + "\n")
    rows = [[f"`{function[:90]}`".replace("|", "/"), library, f"{cost:,.0f}"]
            for (library, function), cost in profile.cost.most_common(top)]
    print(report.table(["function, itself", "library", "instructions"], rows) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default="nginx,ours")
    parser.add_argument("--work", default="unary,chunk,burst", help="of: " + ", ".join(WORK))
    parser.add_argument("--observability", action="store_true",
                        help="the same as --peers " + TELLING + " --work unary,chunk")
    parser.add_argument("--top", type=int, default=12, metavar="N",
                        help="functions to print of each (default 12)")
    parser.add_argument("--ours", metavar="PATH")
    parser.add_argument("--bin", action="append", default=[], metavar="PEER=PATH")
    parser.add_argument("--json", metavar="FILE", help="append every figure as a line of JSON")
    parser.add_argument("--check", metavar="FILE",
                        help="fail where ours is above FILE's {work: {ratio, allocations}}, a "
                             "work of another peer as \"work, peer\", compared with another than "
                             "nginx as \"work, peer / other\"; "
                             "the project's own is Benchmarks/Thresholds/relay.json")
    arguments = parser.parse_args()
    if arguments.observability:
        arguments.peers, arguments.work = TELLING, "unary,chunk"
    rig.build_programs()
    binaries = dict(pair.split("=", 1) for pair in arguments.bin)
    if arguments.ours:
        binaries["ours"] = rig.os.path.abspath(arguments.ours)
    chosen = [SINGLE.get(peer.name, peer)
              for peer in peers.select(arguments.peers.split(","), binaries)]
    rows, found = [], {}
    for work in arguments.work.split(","):
        for peer in chosen:
            profile = found[work, peer.name] = measure(peer, binaries, work)
            print(f"### {work}, {peer.name}: {profile.total:,.0f} instructions, "
                  f"{profile.allocations:.2f} allocations\n")
            print_profile(profile, arguments.top)
            if arguments.json:
                with open(arguments.json, "a") as file:
                    file.write(json.dumps({"work": work, "peer": peer.name,
                                           "instructions": round(profile.total),
                                           "allocations": round(profile.allocations, 2)}) + "\n")
            anchor = found[work, chosen[0].name].total
            rows.append([work, peer.name, f"{profile.total:,.0f}", f"{profile.total / anchor:.2f}",
                         f"{profile.allocations:.2f}"])
    print(report.table(["work", "proxy", "instructions", f"x {chosen[0].name}", "allocations"],
                       rows))
    return check(found, arguments.check) if arguments.check else 0


def check(found, path):
    """Ratios are to a peer of the same run, so that the compiler and the libraries cancel out."""
    with open(path) as file:
        allowed = json.load(file)
    failures = 0
    for key, limits in allowed.items():
        work, _, peer = key.partition(", ")
        peer, _, other = peer.partition(" / ")
        peer, other = peer or "ours", other or "nginx"
        if (work, peer) not in found or (work, other) not in found:
            continue
        ours, base = found[work, peer], found[work, other]
        for name, value in (("ratio", ours.total / base.total), ("allocations", ours.allocations)):
            if name in limits and value > limits[name]:
                print(f"{key}: {name} {value:.2f} is above {limits[name]}", file=sys.stderr)
                failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
