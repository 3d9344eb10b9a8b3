"""docs/benchmarks.md and its picture, from what was measured."""

import pathlib
import re
import subprocess
from xml.sax.saxutils import escape

from ledger import middle, show

colours = {"netd": "#0b6e4f", "limit": "#888888", "ip -batch": "#c08a00", "systemd-networkd": "#b03a2e", "NetworkManager": "#6c3483", "ifupdown2": "#1f618d"}


def ratio(row):
    ours, theirs = row["samples"].get("netd"), row["samples"].get(row["against"])
    return f"{middle(ours) / middle(theirs):.2f} ×" if ours and theirs and middle(theirs) else "–"


def table(case):
    names = list(dict.fromkeys(name for row in case["rows"] for name in row["samples"]))
    lines = ["| | " + " | ".join(names) + " | netd : against |", "|---" * (len(names) + 2) + "|"]
    for row in case["rows"]:
        cells = [show(row["samples"][name], row["unit"]) if row["samples"].get(name) else ("no" if name in row["why"] else "") for name in names]
        against = f"{ratio(row)} {row['against']}" if row["against"] else ""
        lines.append(f"| {row['row']} | " + " | ".join(cells) + f" | {against} |")
    why = {f"{name}: {text}" for row in case["rows"] for name, text in row["why"].items()}
    return lines + [""] + [f"*no*: {text}." for text in sorted(why)] + [f"{note}" for note in case.get("notes", [])]


def version(*words):
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=20)
        return (done.stdout or done.stderr).strip().splitlines()[0]
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return None


def tools():
    found = [version("ip", "-V"), version("ovs-vsctl", "--version"), version("/lib/systemd/systemd-networkd", "--version"), version("NetworkManager", "--version")]
    return "; ".join(text for text in found if text)


def picture(case):
    """Cost a network over N, both on logarithmic scales: what is level does not grow."""
    import math
    lines = {}
    for row in case["rows"]:
        size = re.fullmatch(r"N = (\d+)", row["row"])
        for name, samples in row["samples"].items() if size else ():
            if samples:
                lines.setdefault(name, []).append((int(size[1]), middle(samples) * 1000 / int(size[1])))
    points = [point for line in lines.values() for point in line]
    if not points:
        return ""
    low, high = math.floor(math.log10(min(y for _, y in points))), math.ceil(math.log10(max(y for _, y in points)) + 0.01)
    right = math.log10(max(x for x, _ in points))
    at = lambda x, y: (70 + (math.log10(x) - 1) / max(0.1, right - 1) * 480, 330 - (math.log10(y) - low) / (high - low) * 300)
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 380" font-family="sans-serif" font-size="12">', '<rect width="760" height="380" fill="#ffffff"/>']
    for power in range(low, high + 1):
        y = at(10, 10.0 ** power)[1]
        out += [f'<line x1="70" x2="550" y1="{y:.0f}" y2="{y:.0f}" stroke="#dddddd"/>', f'<text x="62" y="{y + 4:.0f}" text-anchor="end">{10.0 ** power:g} ms</text>']
    for size in sorted({x for x, _ in points}):
        out.append(f'<text x="{at(size, 1)[0]:.0f}" y="350" text-anchor="middle">{size}</text>')
    out.append('<text x="310" y="372" text-anchor="middle">networks in one call; the height is the time a network</text>')
    ends = []
    for name, line in sorted(lines.items(), key=lambda entry: -entry[1][-1][1]):
        colour = colours.get(name, "#444444")
        line = sorted(line)
        out.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="' + " ".join(f"{at(x, y)[0]:.1f},{at(x, y)[1]:.1f}" for x, y in line) + '"/>')
        out += [f'<circle cx="{at(x, y)[0]:.1f}" cy="{at(x, y)[1]:.1f}" r="3" fill="{colour}"/>' for x, y in line]
        y = max(at(*line[-1])[1] + 4, ends[-1] + 15 if ends else 0)
        ends.append(y)
        out.append(f'<text x="562" y="{y:.0f}" fill="{colour}">{escape(name)}</text>')
    return "\n".join(out + ["</svg>", ""])


def write(cases, folder, words):
    parts = ["# How fast netd is", "", "Written by `sudo scripts/bench`: do not edit. Medians, with the smallest and the largest; contenders took turns. The time is from the client's send to the answer that says", "committed and verified; the limit is `bench/limit/`, which asks the kernel for the same and checks nothing. Ratios say more than times: other work may have run on the machine.", "", tools() + ".", ""]
    for name, case in cases.items():
        parts += [f"## {case['title']}", "", f"`scripts/bench {name}`, {case['when']}{', ' + case['on'] if 'on' in case else ''}. To reach: {case['target']}.", "", *table(case), ""]
        if name == "create" and (drawn := picture(case)):
            (folder / "benchmarks.svg").write_text(drawn)
            parts += ["![time a network over N](benchmarks.svg)", ""]
    (folder / "benchmarks.md").write_text("\n".join(parts + [words.read_text()]))
