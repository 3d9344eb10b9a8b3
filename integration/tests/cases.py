"""The cases of integration/cases, each on every switch kind that it names. A host is handed on from one to the next while it stays clean."""

from functools import partial

import case_files
from case_run import CaseRun
from runner import Case, Wrong, cases

nics = ("eno1", "eno2", "eno3", "eno4")


def run(one, kind, host):
    """True if the host may be had by the next one."""
    running = CaseRun(host, one, kind)
    try:
        running.run()
    except AssertionError as error:
        raise Wrong(f"{one.sentence}\n{error}", "alone" not in one.marks and running.is_clean()) from None
    return "alone" not in one.marks and running.is_clean()


def register(one, kind):
    needs = one.needs_on(kind)
    word = "" if "alone" in one.marks else "with ovs" if "ovs" in needs else "without ovs"
    return Case(partial(run, one, kind), f"cases: {one.name} [{kind}]", tuple(sorted(needs)), kind, {"nics": nics, "words": (), "start": True}, again=bool(needs - {"ovs"}) or one.name.startswith("frames/"), host=word)


# Those that have a host together stand together.
cases += sorted((register(one, kind) for one in case_files.every_case() for kind in one.kinds), key=lambda case: case.host)
