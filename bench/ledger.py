"""What was measured: case, row, contender, samples. Contenders take turns, so that a busy machine is busy for all."""

import json
import statistics
import time

from world import machine


class Ledger:
    def __init__(self, path, small):
        self.path, self.small = path, small
        self.cases = json.loads(path.read_text()) if path.exists() else {}
        self.case = None

    def open(self, name, title, target):
        self.case = self.cases[name] = {"title": title, "target": target, "rows": [], "when": time.strftime("%Y-%m-%d"), "on": machine()}

    def pick(self, whole, small):
        """The case's sizes, or those that only show that it runs."""
        return small if self.small else whole

    def turns(self, row, rounds, contenders, against=None, unit="ms"):
        """Each contender gives samples in seconds (or in the unit, if it isn't time); one that can't says why."""
        samples, why = {name: [] for name in contenders}, {}
        for _ in range(1 if self.small else rounds):
            for name, measure in contenders.items():
                if name in why:
                    continue
                try:
                    samples[name] += measure()
                except Exception as refusal:  # the others are still worth their numbers
                    why[name] = str(refusal).splitlines()[0][:160] if str(refusal) else type(refusal).__name__
        self.case["rows"].append({"row": row, "unit": unit, "against": against, "samples": samples, "why": why})
        self.keep()
        print(f"  {row}: " + ", ".join(f"{name} {show(values, unit)}" if values else f"{name}: {why.get(name, 'nothing')}" for name, values in samples.items()), flush=True)

    def note(self, text):
        self.case.setdefault("notes", []).append(text)
        self.keep()

    def keep(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.cases, indent=1))


def middle(values):
    return statistics.median(values)


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def show(values, unit):
    scale = 1000 if unit == "ms" else 1
    spread = f" ({number(min(values) * scale)}–{number(max(values) * scale)})" if len(values) > 1 else ""
    return f"{number(middle(values) * scale)}{spread} {unit}"
