"""Who does not keep to ZeroMQ's own protocol holds up nobody else, and is thrown out where that can be told."""

import contextlib
import os
import pathlib
import unittest.mock

from host import wait_until
from raw_peer import RawPeer
from runner import case
from storage import start

megabyte = 1 << 20


def assert_others_are_served(host):
    assert host.client.call("Host.ping2")


@case()
def a_message_that_never_ends(host):
    host.client.setup({"web": {"nic": "eno2"}})
    with RawPeer(host.netd.control) as peer:
        peer.join()
        for _ in range(40):
            peer.part(bytes(megabyte))
            assert_others_are_served(host)
        # And one of many small parts, as if it were a request.
        for _ in range(20000):
            peer.part(b"{")
        assert_others_are_served(host)
        assert host.client.setup({"web": {"nic": "eno2", "mtu": 1400}})["changed"]
    assert_others_are_served(host)


@case()
def parts_of_one_that_ends_are_refused_whole(host):
    with RawPeer(host.netd.control) as peer:
        peer.join()
        for _ in range(100):
            peer.part(b'{"jsonrpc":"2.0","id":1,"method":"Host.ping2","params":{}}')
        peer.frame(b"")
        answer = peer.heard()
        assert b"-32600" in answer, answer


@case()
def who_speaks_another_protocol(host):
    for said in (b"GET / HTTP/1.1\r\nHost: netd\r\n\r\n" * 4, bytes(64), b"\xff" * 64):
        with RawPeer(host.netd.control) as peer:
            peer.say(said)
            assert peer.is_thrown_out(), said
    assert_others_are_served(host)


@case()
def who_connects_and_says_no_more(host):
    peers = [RawPeer(host.netd.control) for _ in range(200)]
    half = [RawPeer(host.netd.control) for _ in range(20)]
    for peer in half:
        peer.greet()
    assert_others_are_served(host)
    for peer in peers + half:
        with peer:
            assert peer.is_thrown_out()
    assert_others_are_served(host)


@case()
def a_frame_that_is_said_to_be_larger_than_any(host):
    for size in (1 << 40, (1 << 63) + 5, 5 * megabyte):
        with RawPeer(host.netd.control) as peer:
            peer.join()
            peer.say(b"\x02" + size.to_bytes(8, "big"))
            assert peer.is_thrown_out(), size
    assert_others_are_served(host)


def resident(host):
    """MiB of netd's memory."""
    text = pathlib.Path(f"/proc/{host.netd.process.pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024


@case(start=False)
def who_asks_for_much_and_reads_none_of_it(host):
    with unittest.mock.patch.dict(os.environ, ASAN_OPTIONS="quarantine_size_mb=8"):   # a netd built with it keeps 256 MiB of what was freed
        start(host)
    host.client.setup({f"net{number:04}": {} for number in range(300)})
    question, before = b'{"jsonrpc":"2.0","id":1,"method":"Host.getNetworkCapabilities"}', resident(host)
    last = b'{"jsonrpc":"2.0","id":2,"method":"Host.setupNetworks","params":{"networks":{"last%d":{}},"options":{"connectivityCheck":false}}}'
    with contextlib.ExitStack() as all_of_them:
        peers = [all_of_them.enter_context(RawPeer(host.netd.control)) for _ in range(8)]
        for number, peer in enumerate(peers):
            peer.join()
            for _ in range(80):
                peer.frame(question)
            peer.frame(last % number)
        # What came after their questions has been done, so those are answered: with half a megabyte each time.
        wait_until(lambda: len(host.client.call("Host.getRunningConfig")["networks"]) == 308, 30, "not all was made")
        assert resident(host) - before < 64 + 8 * 4 + 32, f"{before:.0f} MiB became {resident(host):.0f}"
        assert_others_are_served(host)
