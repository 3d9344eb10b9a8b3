// An XPUB: it never waits for a subscriber, and until the first one comes no event need be written out.
#include "netd/serve/publisher.hpp"

#include "netd/serve/ipc.hpp"
#include "netd/wire/json.hpp"

#include <array>
#include <cassert>
#include <cstdio>
#include <ctime>
#include <zmq.h>

namespace serve {

namespace {

constexpr int events_in_flight = 1000;          // a subscriber
constexpr std::int64_t most_bytes_a_frame = 1024;  // what comes in is subscriptions and the handshake

}  // namespace

Publisher::Publisher(loop::EventLoop& loop, Socket socket, const loop::Clock& clock, std::string boot)
    : loop_(loop), socket_(std::move(socket)), clock_(clock), boot_(std::move(boot)) {}

Result<std::unique_ptr<Publisher>> Publisher::open(loop::EventLoop& loop, Context& context, const loop::Clock& clock,
                                                   const Options& options) {
    auto socket = Socket::open(context, ZMQ_XPUB);
    if (!socket) return socket.error();
    if (auto done = harden(*socket, most_bytes_a_frame, events_in_flight); !done) return done.error();
    if (auto bound = bind_ipc(*socket, options.endpoint, options.group); !bound) return bound.error();
    if (options.remote)
        if (auto bound = bind_curve(*socket, *options.remote); !bound) return bound.error();

    auto publisher = std::unique_ptr<Publisher>(new Publisher(loop, std::move(*socket), clock, options.boot));
    auto* self = publisher.get();
    if (auto watched = loop.watch(self->socket_.descriptor(), [] {}); !watched) return watched.error();
    self->hook_ = loop.before_wait([self] { return self->drain(); });
    return publisher;
}

Publisher::~Publisher() {
    loop_.forget(hook_);
    loop_.unwatch(socket_.descriptor());
}

// libzmq reports the first subscription to a prefix: 1, then the prefix. It reports ends, too, 0 and the prefix, but also of what nobody
// had begun, so that one subscriber could say that there is none any more: those are passed over.
bool Publisher::drain() {
    constexpr int most_at_once = 256;
    int done = 0;
    Frame told;
    for (; done < most_at_once && socket_.receive(told); ++done) {
        if (told.bytes().starts_with('\1')) ++counters_.subscriptions;
    }
    return done > 0;
}

std::uint64_t Publisher::publish(std::string_view topic, nlohmann::json event) {
    assert(event.is_object());
    const std::uint64_t seq = ++counters_.published;
    auto counted = by_topic_.find(topic);
    if (counted == by_topic_.end()) counted = by_topic_.emplace(topic, 0).first;
    ++counted->second;

    drain();  // who has subscribed before this event gets it
    if (counters_.subscriptions == 0) return seq;
    event["seq"] = seq;
    event["topicSeq"] = counted->second;
    event["boot"] = boot_;
    event["time"] = utc(clock_.wall());
    if (!event.contains("event")) event["event"] = topic;
    std::array<Frame, 2> frames{Frame(std::string(topic)), Frame(wire::dump(event))};
    // Ignored: an XPUB takes everything and drops it for those subscribers that have too much waiting already.
    (void)socket_.send(frames);
    return seq;
}

std::string utc(std::chrono::nanoseconds since_1970) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since_1970);
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(since_1970 - seconds).count();
    const std::time_t when = seconds.count();
    std::tm parts{};
    ::gmtime_r(&when, &parts);
    std::array<char, 32> day{};
    std::strftime(day.data(), day.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%s.%03dZ", day.data(), static_cast<int>(milliseconds));
    return text.data();
}

}  // namespace serve
