"""Reads the cases of integration/cases: a folder a case (its README tells how they are written)."""

import json
import pathlib
import shlex
from dataclasses import dataclass, field

folder = pathlib.Path(__file__).with_name("cases")
every_kind = ("legacy", "vlan-aware", "ovs")


@dataclass
class Call:
    """One request: what somebody else did before it, what was asked, what must be there after."""
    given: list
    request: dict
    after: list


@dataclass
class CaseFile:
    name: str
    sentence: str
    kinds: tuple
    needs: set
    calls: list
    marks: set = field(default_factory=set)

    def needs_on(self, kind):
        """What the kernel must be able to do for it, on a switch kind; a request that is refused needs nothing."""
        needs = self.needs | {"ovs": {"ovs"}, "vlan-aware": {"vlan", "vlan_filtering"}, "legacy": set()}[kind]
        for call in self.calls:
            if any(text.startswith("refused") for kinds, text in call.after if kind in kinds):
                continue
            if kind == "legacy" and any(one.get("vlan") not in (None, "") for one in (call.request.get("networks") or {}).values() if isinstance(one, dict)):
                needs.add("vlan")
            if call.request.get("bondings"):
                needs.add("bond")
        return needs


def _lines(path):
    """[(kinds that it is for, words)]"""
    if not path.exists():
        return []
    found = []
    for line in path.read_text().splitlines():
        kinds, text = every_kind, line.split(" # ")[0].strip()
        if text.startswith("["):
            inside, _, text = text[1:].partition("]")
            kinds, text = tuple(inside.split()), text.strip()
        if text and not text.startswith("#"):
            found.append((kinds, text))
    return found


def _calls(place):
    paths = sorted(place.glob("request*.json"), key=lambda path: int("0" + path.stem.removeprefix("request").strip("-")))
    for path in paths:
        number = path.stem.removeprefix("request")
        yield Call(_lines(place / f"given{number}"), json.loads(path.read_text()), _lines(place / f"after{number}"))


def read_case(place):
    about = (place / "about").read_text().splitlines()
    told = {words[0]: words[1:] for line in about[1:] if (words := shlex.split(line))}
    unknown = set(told) - {"kinds", "needs", "marks"}
    assert not unknown, f"{place}/about: {unknown}"
    calls = list(_calls(place))
    assert about and about[0] and calls, f"{place}: a sentence in `about`, and a request"
    return CaseFile(str(place.relative_to(folder)), about[0], tuple(told.get("kinds", every_kind)), set(told.get("needs", ())), calls, set(told.get("marks", ())))


def every_case():
    return [read_case(path.parent) for path in sorted(folder.rglob("about"))]


def with_kind(request, kind):
    """The request as it is sent: on that switch kind, and without a confirmation unless it asks for one."""
    params = dict(request)
    for part in ("networks", "bondings"):
        if isinstance(params.get(part), dict):
            params[part] = {name: {**one, "switch": kind} if isinstance(one, dict) and kind != "legacy" and "switch" not in one and "remove" not in one else one
                            for name, one in params[part].items()}
    if "options" not in params:
        params["options"] = {"connectivityCheck": False}
    return params
