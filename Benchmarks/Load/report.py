"""Tables of what was measured, and the sentence about the machine that belongs above them."""
import datetime
import os
import platform
import re
import statistics
import subprocess


def number(value):
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def quartiles(values):
    if len(values) < 2:
        return values[0], values[0], values[0]
    return tuple(statistics.quantiles(values, n=4, method="inclusive"))


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def scenario_table(name, scenario, rounds, anchor):
    """`rounds`: one dictionary per round, peer -> figures. Ratios pair a peer with the anchor of
    the same round; the other columns are medians over the rounds (errors: sums)."""
    main, *others = scenario.figures
    head = ["proxy", f"{main}: median (min .. max)",
            f"x {anchor}, paired: median (quartiles; min .. max)", *others]
    rows = []
    for peer in dict.fromkeys(peer for one in rounds for peer in one):
        good = [one[peer] for one in rounds if main in one.get(peer, {})]
        if not good:
            reason = next(one[peer]["failed"] for one in rounds if peer in one)
            rows.append([peer, " ".join(reason.split())[:90].replace("|", "/")])
            continue
        values = [figures[main] for figures in good]
        ratios = [one[peer][main] / one[anchor][main] for one in rounds
                  if main in one.get(peer, {}) and one.get(anchor, {}).get(main)]
        paired = "-"
        if ratios and peer != anchor:
            low, middle, high = quartiles(ratios)
            paired = (f"**{middle:.2f}** ({low:.2f} - {high:.2f}; "
                      f"{min(ratios):.2f} .. {max(ratios):.2f})")
        cells = [sum(f[c] for f in good) if c == "errors" else statistics.median(f[c] for f in good)
                 for c in others]
        least, middle, most = map(number, (min(values), statistics.median(values), max(values)))
        rows.append([peer, f"{middle} ({least} .. {most})", paired, *map(number, cells)])
    disturbed = [f"{one[peer]['foreign']:.0%}" for one in rounds for peer in one
                 if one[peer].get("foreign", 0) > 0.05]
    note = (f"\n\nOther work took over 5 % of the machine in {len(disturbed)} measurements: "
            f"{', '.join(disturbed)}." if disturbed else "")
    return f"### {name}, {len(rounds)} rounds\n\n{table(head, rows)}{note}\n"


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).strip().partition("\n")[0]


def machine(root):
    """Date, commit, machine shape and versions, as Markdown."""
    with open("/proc/cpuinfo") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = [first_line(*command) for command in (
        ("nginx", "-v"), ("haproxy", "-v"), ("openssl", "version"), ("valgrind", "--version"),
        ("swift", "--version"))]
    versions = [version.removeprefix("nginx version: ") for version in versions]
    return "\n".join((
        f"- {datetime.date.today()}, commit "
        f"{first_line('git', '-C', root, 'rev-parse', '--short', 'HEAD')}",
        f"- {os.cpu_count()} x {model.group(1) if model else platform.machine()}, "
        f"{memory:.0f} GiB, Linux {platform.release().split('-')[0]}",
        "- " + "; ".join(filter(None, versions))))
