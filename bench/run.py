"""Measures netd side by side with the limit and its peers, and writes docs/benchmarks.md. Called by scripts/bench.

  run.py [--smoke] CASE...      --smoke: tiny sizes, once, nothing written: only whether it runs
"""

import pathlib
import sys
import tempfile

import cases_bridges
import cases_rest
import report
from ledger import Ledger
from world import checkout

cases = {**cases_bridges.cases, **cases_rest.cases}


def main(words):
    small = "--smoke" in words
    chosen = [word for word in words if word != "--smoke"]
    unknown = [name for name in chosen if name not in cases]
    if unknown:
        sys.exit(f"bench: there is no case {', '.join(unknown)}; there are {', '.join(cases)}")
    folder = pathlib.Path(tempfile.mkdtemp()) if small else checkout / "docs"
    ledger = Ledger(folder / "ledger.json" if small else checkout / "build/bench/ledger.json", small)
    for name in chosen:
        print(f"{name}", flush=True)
        cases[name](ledger)
    report.write({name: ledger.cases[name] for name in cases if name in ledger.cases}, folder, checkout / "bench/where-the-time-goes.md")
    broken = [f"{name}, {row['row']}" for name in chosen for row in ledger.cases[name]["rows"] if "netd" in row["why"]]
    if small:
        print(f"lane bench: {len(chosen) - len({text.split(',')[0] for text in broken})} passed, {len({text.split(',')[0] for text in broken})} failed, 0 skipped")
    sys.exit(f"bench: netd failed in {'; '.join(broken)}" if broken else 0)


main(sys.argv[1:])
