"""Speaks with netd as an engine does: JSON-RPC over ZeroMQ, and the events that it publishes."""

import contextlib
import itertools
import json
import time

import zmq

patience = 120   # seconds; a machine may stand still for many of them


class RpcError(Exception):
    """netd's no: the code of the protocol, the sentence, and every complaint."""

    def __init__(self, error):
        super().__init__(f"{error['code']}: {error['message']}")
        self.code, self.message, self.data = error["code"], error["message"], error.get("data")


class NoAnswer(Exception):
    pass


def says_no(ask, *codes):
    """The error that `ask()` ends with; of one of these codes, if there are any."""
    try:
        answer = ask()
    except RpcError as error:
        assert not codes or error.code in codes, error
        return error
    raise AssertionError(f"not refused: {answer}")


class Client:
    """One connection. A call waits for its answer; `send` and `receive` are the two halves of it."""

    _ids = itertools.count(1)

    def __init__(self, control, patience=patience):
        self.control, self.patience = control, patience
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(control)
        self.answers = {}

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, method, params=None):
        number = next(self._ids)
        self.send_raw(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}}).encode())
        return number

    def send_raw(self, *frames):
        self.socket.send_multipart(frames)

    def receive_raw(self, patience=None):
        seconds = self.patience if patience is None else patience
        if not self.socket.poll(max(0, seconds) * 1000):
            raise NoAnswer(f"no answer within {seconds} s")
        return json.loads(self.socket.recv())

    def receive(self, number, patience=None):
        """The answer to the request of that number; those to others are kept for whoever asks for them."""
        deadline = time.monotonic() + (self.patience if patience is None else patience)
        while number not in self.answers:
            answer = self.receive_raw(deadline - time.monotonic())
            self.answers[answer["id"]] = answer
        answer = self.answers.pop(number)
        if "error" in answer:
            raise RpcError(answer["error"])
        return answer["result"]

    def call(self, method, params=None, patience=None):
        return self.receive(self.send(method, params), patience)

    def setup(self, networks=None, bondings=None, confirm=True, **options):
        """Host.setupNetworks. confirm: True confirms over a second connection, False leaves the change unconfirmed,
        None asks for no check of the connectivity at all."""
        options.setdefault("connectivityCheck", confirm is not None)
        params = {"networks": networks or {}, "bondings": bondings or {}, "options": options}
        number = self.send("Host.setupNetworks", params)
        if not confirm:
            return self.receive(number)
        with Client(self.control, self.patience) as engine:
            return self.receive_confirmed(number, engine)

    def waiting(self, params, again=True):
        """The number of a Host.setupNetworks that is made and waits for its confirmation. What went back before anybody could see it wait,
        on a machine that stood still, is asked for once more, with more time."""
        number, deadline = self.send("Host.setupNetworks", params), time.monotonic() + self.patience
        with Client(self.control, self.patience) as other:
            while not other.call("Host.getStatus")["transaction"]:
                if self._is_too_late(number) and again:
                    options = params["options"]
                    return self.waiting({**params, "options": {**options, "connectivityTimeout": 5 * options["connectivityTimeout"]}}, False)
                if time.monotonic() > deadline:
                    raise NoAnswer(f"it never waited, in {self.patience} s")
        return number

    def _is_too_late(self, number):
        """Nobody has confirmed it; any other end is not what was asked for."""
        try:
            answer = self.receive(number, 0.02)
        except NoAnswer:
            return False
        except RpcError as error:
            if "nobody confirmed" in error.message:
                return True
            raise
        raise NoAnswer(f"it never waited: {answer}")

    def receive_confirmed(self, number, engine):
        """The answer to setupNetworks, which `engine`, another connection, confirms meanwhile."""
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            try:
                return self.receive(number, 0.02)
            except NoAnswer:
                with contextlib.suppress(NoAnswer):   # what was said while netd hung up on a handshake that lasted too long is lost
                    engine.call("Host.confirmConnectivity", patience=20)
        raise NoAnswer("setupNetworks did not end")


class Events:
    """What netd publishes from now on: (topic, event)."""

    def __init__(self, place, topic=""):
        self.socket = zmq.Context.instance().socket(zmq.SUB)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt_string(zmq.SUBSCRIBE, topic)
        self.topic = topic
        joined = self.socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        self.socket.connect(place)
        if not joined.poll(60_000):
            raise NoAnswer(f"nobody at {place} takes a subscription")
        self.socket.disable_monitor()
        # A subscription is not acknowledged. A new peer is greeted after what came before, and then some.
        if control := place.endswith("/events") and place.removesuffix("events") + "control":
            for _ in range(2):
                with Client(control, 60) as other:
                    other.call("Host.ping2")
        time.sleep(0.1)

    def close(self):
        self.socket.close()

    def within(self, seconds):
        """The next one, or None."""
        if not self.socket.poll(max(0, seconds) * 1000):
            return None
        topic, event = self.socket.recv_multipart()
        return topic.decode(), json.loads(event)

    def next(self, what=""):
        """The next one, which must come; what it is waited for after."""
        if (event := self.within(patience)) is None:
            raise NoAnswer(f"no event {self.topic}* came within {patience} s {what}")
        return event

    def all(self, quiet=0.2):
        """Those that have come, until none comes for a while."""
        seen = []
        while (event := self.within(quiet)) is not None:
            seen.append(event)
        return seen

    def until(self, are_enough, quiet=0.2):
        """Those that come until they are enough, and what else follows at once."""
        seen = []
        while not are_enough(seen) and (event := self.within(patience)) is not None:
            seen.append(event)
        return seen + self.all(quiet)
