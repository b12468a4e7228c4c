#!/usr/bin/env python3
"""Measures proxies side by side in front of one mock upstream and prints Markdown tables.

  run.py                                     every scenario, nginx against ours, 3 rounds
  run.py --scenarios unary,steady --peers nginx,ours --rounds 12
  run.py --scenarios all --peers nginx,haproxy,floor --json figures.jsonl

Each round starts every peer afresh with an upstream of its own, in an order that turns around from
round to round. The proxy is pinned to one core, the upstream and the load to another.
"""
import argparse
import datetime
import json
import signal
import sys
import time

import peers
import report
import rig
from scenarios import SCENARIOS


def wait_until_quiet(share, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        before = rig.machine_busy_seconds()
        time.sleep(0.5)
        if (rig.machine_busy_seconds() - before) / 0.5 / (rig.os.cpu_count() or 1) < share:
            return


def measure(scenario, peer, binaries, arguments):
    """One peer once; again if something else was busy meanwhile. The quietest attempt counts."""
    best = None
    for _ in range(arguments.attempts):
        wait_until_quiet(arguments.quiet_share, arguments.quiet_wait)
        try:
            with rig.Bench(peer, scenario.upstream, binaries=binaries) as bench:
                figures = scenario.run(bench)
        except (RuntimeError, OSError, ValueError, rig.subprocess.SubprocessError) as failure:
            return {"failed": f"{type(failure).__name__}: {failure}"}
        if best is None or figures["foreign"] < best["foreign"]:
            best = figures
        if best["foreign"] < arguments.quiet_share:
            break
    return best


def run_scenario(name, chosen, binaries, arguments):
    scenario, rounds = SCENARIOS[name], []
    able = [peer for peer in chosen if scenario.streams <= peer.streams_max
            and (peer.pools or not scenario.pooled)]
    for number in range(arguments.rounds):
        figures = {}
        for peer in able if number % 2 == 0 else reversed(able):
            figures[peer.name] = measure(scenario, peer, binaries, arguments)
            line = {"at": datetime.datetime.now().isoformat(timespec="seconds"), "scenario": name,
                    "peer": peer.name, "round": number, **figures[peer.name]}
            if "failed" in line:
                print(f"{name} {peer.name}: {line['failed']}", file=sys.stderr)
            if arguments.json:
                with open(arguments.json, "a") as file:
                    file.write(json.dumps(line) + "\n")
        rounds.append({peer.name: figures[peer.name] for peer in able})
    return rounds


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenarios", default="all", help="all, or of: " + ", ".join(SCENARIOS))
    parser.add_argument("--peers", default="nginx,ours", help="of: " + ", ".join(peers.PEERS))
    parser.add_argument("--anchor", help="the peer that ratios are to (default: the first)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ours", metavar="PATH", help="default: the newest release build")
    parser.add_argument("--bin", action="append", default=[], metavar="PEER=PATH")
    parser.add_argument("--json", metavar="FILE", help="append every measurement as a line of JSON")
    parser.add_argument("--attempts", type=int, default=2, metavar="N",
                        help="when other work disturbed a measurement (default 2)")
    parser.add_argument("--quiet-share", type=float, default=0.05, metavar="SHARE",
                        help="of the machine that other work may take (default 0.05)")
    parser.add_argument("--quiet-wait", type=float, default=5, metavar="SECONDS",
                        help="how long to wait for a quiet machine before each measurement")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is stopped
    names = list(SCENARIOS) if arguments.scenarios == "all" else arguments.scenarios.split(",")
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        raise SystemExit(f"no scenario '{unknown[0]}'; there are: {', '.join(SCENARIOS)}")
    rig.build_programs()
    binaries = dict(pair.split("=", 1) for pair in arguments.bin)
    if arguments.ours:
        binaries["ours"] = rig.os.path.abspath(arguments.ours)
    chosen = peers.select(arguments.peers.split(","), binaries)
    if not chosen:
        raise SystemExit("nothing to measure")
    anchor = arguments.anchor or chosen[0].name
    print(report.machine(rig.ROOT) + "\n")
    failed = False
    for name in names:
        rounds = run_scenario(name, chosen, binaries, arguments)
        failed = failed or any("failed" in f or f["errors"] for one in rounds for f in one.values())
        if any(rounds):
            print(report.scenario_table(name, SCENARIOS[name], rounds, anchor), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
