"""Who does not keep to ZeroMQ's own protocol holds up nobody else, and is thrown out where that can be told."""

from raw_peer import RawPeer
from runner import case

megabyte = 1 << 20


def assert_others_are_served(host):
    assert host.client.call("Host.ping2", patience=20)


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
