"""Counts user-space instructions with callgrind, and reads its output files: what each function
itself cost, and how often the allocator was called. What differs between a short and a long run of
the same work, divided by how much longer the second was, is the cost of one unit of that work:
start-up, handshakes and everything else that happens once cancels out.
"""
import glob
import os
import re
from collections import Counter
from dataclasses import dataclass, field

ALLOCATORS = ("malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc")
# A cost line: the line number, absolute, relative or "same" (*), then the instructions.
COST = re.compile(r"^[+-]?(?:0x)?[0-9a-f*]+ (\d+)$")
NAME = re.compile(r"^(c?)(fn|ob)=\((\d+)\)(?: (.*))?$")


def command(output):
    """What goes in front of a program; one output file per process in `output`."""
    return ["valgrind", "--tool=callgrind", "--trace-children=yes", "-q",
            f"--callgrind-out-file={output}/callgrind.%p"]


@dataclass
class Profile:
    cost: Counter = field(default_factory=Counter)   # (library, function) -> own instructions
    calls: Counter = field(default_factory=Counter)  # allocator -> calls from outside it

    @property
    def total(self):
        return sum(self.cost.values())

    @property
    def allocations(self):
        return sum(self.calls.values())

    def libraries(self):
        sums = Counter()
        for (library, _), cost in self.cost.items():
            sums[library] += cost
        return sums

    def less(self, other, units):
        """The cost of one unit: this longer run less the shorter one."""
        def per_unit(mine, theirs):
            return Counter({key: (mine[key] - theirs[key]) / units
                            for key in mine.keys() | theirs.keys() if mine[key] != theirs[key]})
        return Profile(per_unit(self.cost, other.cost), per_unit(self.calls, other.calls))


def read_file(path, profile):
    names = {"fn": {}, "ob": {}}      # callgrind writes a name once, then its number
    current = {"fn": "", "ob": ""}
    called, inclusive = "", False
    with open(path, errors="replace") as file:
        for line in file:
            line = line.rstrip("\n")
            if match := COST.match(line):
                if not inclusive:     # the line behind calls= holds what the callee cost
                    profile.cost[os.path.basename(current["ob"]), current["fn"]] += int(match[1])
                inclusive = False
            elif match := NAME.match(line):
                callee, kind, number, name = match.groups()
                if name is not None:
                    names[kind][number] = name
                if callee and kind == "fn":
                    called = names[kind][number]
                elif not callee:
                    current[kind] = names[kind][number]
            elif line.startswith("calls="):
                inclusive = True
                if called in ALLOCATORS and current["fn"] not in ALLOCATORS:
                    profile.calls[called] += int(line[6:].split()[0])


def read_directory(directory):
    """The sum over all processes that left a file in `directory`."""
    profile, paths = Profile(), glob.glob(os.path.join(directory, "callgrind.*"))
    if not paths:
        raise RuntimeError("callgrind left no output: did the program end by itself?")
    for path in paths:
        read_file(path, profile)
    return profile
