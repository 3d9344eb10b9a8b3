"""Every example of docs/protocol.md, done: what it shows as sent is sent, and what comes back must be what it shows.

A section of the page is a case with a host of its own; its blocks are taken in order:
  ```json request   sent byte for byte, over one connection a section
  ```json answer    compared with the answer to the request of that id
  ```json event     waited for among what netd publishes; others may come before it
  ```sh host        run in the host's namespace, as somebody else would
Further words say what the kernel must have: vlan, vlan_filtering, bond, ovs, services, hfsc (and vlan), or `lab` for the first three.
"…" as a key allows further members, as an element further elements, within a text any text; "<any>" is any value."""

import json
import re
import time

from client import patience
from host import checkout
from runner import case

page = checkout / "docs/protocol.md"
needs_of_word = {"lab": ("vlan", "vlan_filtering", "bond"), "hfsc": ("vlan", "hfsc")}   # the others are needs themselves
known_blocks = ("json request", "json answer", "json event", "sh host")


class Block:
    def __init__(self, kind, words, line):
        self.kind, self.words, self.line, self.text = kind, words, line, ""


def sections():
    """[(title, [Block])] of those that have examples."""
    found, block, in_block = [], None, False
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if in_block:
            if line.startswith("```"):
                in_block, block = False, None
            elif block:
                block.text += line + "\n"
        elif line.startswith("```"):
            in_block = True
            words = line.strip("`").split()
            kind = " ".join(words[:2])
            if kind in known_blocks:
                block = Block(kind, words[2:], number)
                found[-1][1].append(block)
        elif line.startswith("#"):
            found.append((line.lstrip("# ").replace("`", ""), []))
    return [(title, blocks) for title, blocks in found if blocks]


def differences(shown, found, path=""):
    """Where what came is not what the page shows."""
    if shown == "<any>":
        return []
    if isinstance(shown, dict) and isinstance(found, dict):
        wanted = {key: value for key, value in shown.items() if key != "…"}
        lines = [f"{path}/{key} is not there" for key in wanted if key not in found]
        lines += [f"{path}/{key} is not shown: {json.dumps(found[key])}" for key in found if key not in wanted and "…" not in shown]
        return lines + [line for key, value in wanted.items() if key in found for line in differences(value, found[key], f"{path}/{key}")]
    if isinstance(shown, list) and isinstance(found, list):
        wanted = [value for value in shown if value != "…"]
        if len(found) < len(wanted) or (len(found) > len(wanted) and len(wanted) == len(shown)):
            return [f"{path} has {len(found)} elements, shown are {len(wanted)}: {json.dumps(found)}"]
        return [line for at, value in enumerate(wanted) for line in differences(value, found[at], f"{path}/{at}")]
    if isinstance(shown, str) and isinstance(found, str) and "…" in shown:
        alike = re.fullmatch(".*".join(map(re.escape, shown.split("…"))), found, re.DOTALL)
        return [] if alike else [f"{path}: shown {shown!r}, came {found!r}"]
    same = shown == found and isinstance(shown, bool) == isinstance(found, bool)
    return [] if same else [f"{path}: shown {json.dumps(shown, ensure_ascii=False)}, came {json.dumps(found, ensure_ascii=False)}"]


class Reading:
    """A section, done block by block."""

    def __init__(self, host, with_events):
        self.host, self.answers = host, {}
        self.client = host.netd.client(patience)
        self.events = host.netd.subscribe() if with_events else None

    def do(self, block):
        lines = {"json request": self.ask, "json answer": self.compare, "json event": self.await_event, "sh host": self.meddle}[block.kind](block.text)
        assert not lines, "\n".join([f"docs/protocol.md, line {block.line}:", *lines])

    def ask(self, text):
        try:
            request = json.loads(text)
        except ValueError:
            request = None
        params = request.get("params", {}) if isinstance(request, dict) else {}
        if isinstance(params, dict) and params.get("nic", {}).get("kind") == "netns" and params["vmId"] not in self.host.spaces:
            self.host.add_space(params["vmId"])
        self.client.send_raw(text.strip().encode())

    def compare(self, text):
        shown = json.loads(text)
        deadline = time.monotonic() + patience
        while shown["id"] not in self.answers:
            answer = self.client.receive_raw(deadline - time.monotonic())
            self.answers[answer["id"]] = answer
        return differences(shown, self.answers.pop(shown["id"]))

    def await_event(self, text):
        shown, others, deadline = json.loads(text), [], time.monotonic() + patience
        while time.monotonic() < deadline:
            told = self.events.within(deadline - time.monotonic())
            if told is None:
                break
            if not (lines := differences(shown, told[1])) and told[0] == shown["event"]:
                return []
            others.append(f"  {told[0]}: {'; '.join(lines)}")
        return [f"no such event; there were {len(others)} others", *others]

    def meddle(self, text):
        self.host.space.run("sh", "-euc", text)


def register(title, blocks):
    needs = tuple(dict.fromkeys(need for block in blocks for word in block.words for need in needs_of_word.get(word, (word,))))

    def example(host):
        reading = Reading(host, any(block.kind == "json event" for block in blocks))
        for block in blocks:
            reading.do(block)
        assert not reading.answers, f"answers that the page does not show: {list(reading.answers)}"
    example.__name__ = title
    case(*needs)(example)


for one in sections():
    register(*one)


@case("vlan")
def the_program_of_the_readme(host):
    """It does what is said beside it."""
    program = re.search(r"```python\n(.*?)```", (checkout / "README.md").read_text(), re.DOTALL)[1].replace("ipc:///run/netd/control", host.netd.control)
    told = host.space.run("/usr/bin/python3", "-c", program)
    assert json.loads(told)["outcome"] == "committed", told
    assert set(host.client.call("Host.getRunningConfig", {"which": "committed"})["networks"]) == {"web", "db"}


def listed(path, pattern):
    return set(re.findall(pattern, (checkout / path).read_text()))


@case(start=False)
def nothing_is_left_out(_):
    """What the sources list, the page names: methods, attributes, codes and topics; and each method has an example."""
    text = page.read_text()
    methods = listed("netd/serve/requests.cpp", r'\{"((?:Host|VM)\.\w+)", \{')
    attributes = listed("netd/intent/definition.hpp", r'Attribute\{"(\w+)"') | listed("netd/intent/request.hpp", r'Attribute\{"(\w+)"')
    topics = listed("netd/observe/events.cpp", r'\{"([a-z]+\.[a-z]+)", ') | listed("netd/observe/carriers.cpp", r'\{"([a-z]+\.[a-z]+)", ')
    for source in sorted((checkout / "netd").rglob("*.cpp")):
        topics |= listed(source, r'(?:announce|tell_|tell_each|serve::Announce)[({]"([a-z]+\.[a-z-]+)"')
    codes = set(re.findall(r"= (\d+)", (checkout / "netd/intent/definition.hpp").read_text().partition("namespace code {")[2].partition("}")[0]))
    assert len(methods) > 10 and len(attributes) > 30 and len(topics) > 8 and len(codes) > 10, "the sources are written otherwise: look again"
    asked = {method for _, blocks in sections() for block in blocks if block.kind == "json request" for method in re.findall(r'"method": "([^"]+)"', block.text)}
    missing = [f"no example of {method}" for method in sorted(methods - asked)]
    missing += [f"`{name}` is not described" for name in sorted(attributes | topics) if f"`{name}`" not in text]
    missing += [f"code {code} is not in the table" for code in sorted(codes) if not re.search(rf"^\| {code} \|", text, re.MULTILINE)]
    assert not missing, "\n".join(missing)
