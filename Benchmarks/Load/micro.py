#!/usr/bin/env python3
"""Instructions and allocations of the micro cases (Benchmarks/Micro), by callgrind, against the
ceilings in Benchmarks/Thresholds/micro.json.

  micro.py [NAME ...]    build, measure, print
  micro.py --check       fail where a case is above its ceiling, or has none
  micro.py --update      write ceilings: what was measured and 5 % more
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

import callgrind
import report
import rig

THRESHOLDS = os.path.join(os.path.dirname(rig.HERE), "Thresholds", "micro.json")
SHORT, LONG = 2000, 12000
HEADROOM = 1.05


def build():
    """Builds the cases in a folder of their own, so that no other build is made again."""
    command = ["swift", "build", "-c", "release", "--static-swift-stdlib", "--product",
               "bench-micro", "--package-path", rig.ROOT, "--scratch-path",
               os.path.join(rig.ROOT, ".build", "micro")]
    environment = {**os.environ, "GATEWAY_BENCH": "1"}
    subprocess.run(command, check=True, env=environment, stdout=sys.stderr)
    folder = subprocess.run([*command, "--show-bin-path"], check=True, env=environment,
                            capture_output=True, text=True).stdout.strip()
    return os.path.join(folder, "bench-micro")


def compiler():
    text = subprocess.run(["swift", "--version"], capture_output=True, text=True).stdout
    found = re.search(r"Swift version (\S+)", text)
    return found.group(1) if found else "unknown"


def run_once(program, name, count):
    with tempfile.TemporaryDirectory(prefix="callgrind-") as output:
        subprocess.run([*callgrind.command(output), program, name, str(count)], check=True,
                       stdout=subprocess.DEVNULL)
        return callgrind.read_directory(output)


def measure(program, name):
    return run_once(program, name, LONG).less(run_once(program, name, SHORT), LONG - SHORT)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--top", type=int, default=0, help="functions to print of each case")
    parser.add_argument("--program", metavar="PATH", help="a bench-micro that is built already")
    arguments = parser.parse_args()
    program = arguments.program or build()
    listed = subprocess.run([program, "--list"], check=True, capture_output=True, text=True)
    names = arguments.names or listed.stdout.split()
    with open(THRESHOLDS) as file:
        thresholds = json.load(file)
    ceilings, failures, rows = thresholds["cases"], [], []
    for name in names:
        profile = measure(program, name)
        cost, allocations = profile.total, profile.allocations
        ceiling = ceilings.get(name)
        if ceiling is None:
            failures.append(f"{name} has no ceiling in {os.path.relpath(THRESHOLDS, rig.ROOT)}")
        elif cost > ceiling["instructions"] or allocations > ceiling["allocations"] + 0.005:
            failures.append(f"{name}: {cost:,.0f} instructions, {allocations:.2f} allocations; "
                            f"allowed {ceiling['instructions']:,}, {ceiling['allocations']}")
        rows.append([name, f"{cost:,.0f}", f"{ceiling['instructions']:,}" if ceiling else "-",
                     f"{allocations:.2f}"])
        if arguments.update:
            ceilings[name] = {"instructions": round(cost * HEADROOM),
                              "allocations": round(allocations, 2)}
        for (library, function), own in profile.cost.most_common(arguments.top):
            print(f"  {own:10,.1f}  {library}  {function[:100]}")
    print(report.table(["case", "instructions", "ceiling", "allocations"], rows))
    if arguments.update:
        thresholds["swift"] = compiler()
        thresholds["cases"] = dict(sorted(ceilings.items()))
        with open(THRESHOLDS, "w") as file:
            file.write(json.dumps(thresholds, indent=2) + "\n")
    if not arguments.check or not failures:
        return 0
    print("\n".join(failures), file=sys.stderr)
    if thresholds["swift"] != compiler():
        print(f"the ceilings are of Swift {thresholds['swift']}, this is {compiler()}: "
              "not a failure", file=sys.stderr)
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
