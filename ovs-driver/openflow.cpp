// When to wait for ovs-vswitchd, and for how long; what is said is flow_messages.cpp's.
#include "ovs-driver/openflow.hpp"

#include "ovs-driver/library.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "ovs-driver/flow_messages.hpp"

namespace ovs {
namespace {

using topology::Error;
using topology::Fault;
using topology::Result;

constexpr std::chrono::milliseconds patience{500};

Error lost() { return {Fault::backend, "Open vSwitch", "ovs-vswitchd closed the connection for flows: is it running?"}; }

struct Actions {
    Actions() { ofpbuf_init(&buffer, 0); }
    ~Actions() { ofpbuf_uninit(&buffer); }
    ofpbuf buffer;
};

}  // namespace

Result<std::unique_ptr<OpenFlow>> OpenFlow::open(const std::string& folder, const topology::IfName& bridge, bool hears) {
    set_up_library();
    const auto socket = fmt::format("{}/{}.mgmt", folder, bridge.text());
    vconn* connection = nullptr;
    if (const int error = vconn_open(("unix:" + socket).c_str(), 1u << version, 0, &connection))
        return Error{Fault::backend, "Open vSwitch", fmt::format("ovs-vswitchd does not answer at {} ({}): is it running?", socket, ovs_strerror(error))};
    return std::unique_ptr<OpenFlow>(new OpenFlow(connection, hears));
}

OpenFlow::~OpenFlow() { vconn_close(connection_); }

OpenFlow::Now OpenFlow::run() {
    if (lost_) return Now::lost;
    vconn_run(connection_);
    if (!greeted_) {
        const int state = vconn_connect(connection_);
        if (state == EAGAIN) return Now::connecting;
        if (state || (hears_ && !greet())) {
            lost_ = true;
            return Now::lost;
        }
        greeted_ = true;
    }
    ofpbuf* raw = nullptr;
    int error = 0;
    while (!(error = vconn_recv(connection_, &raw))) {
        const Message message(raw);
        overhear(raw);
    }
    if (error != EAGAIN) lost_ = true;
    return lost_ ? Now::lost : Now::ready;
}

void OpenFlow::wait() {
    vconn_run_wait(connection_);
    if (greeted_) vconn_recv_wait(connection_);
    else vconn_connect_wait(connection_);
}

Result<> OpenFlow::wait_until_ready(Deadline deadline) {
    for (;;) {
        const Now now = run();
        if (now == Now::ready) return {};
        if (now == Now::lost) return lost();
        wait();
        if (auto waited = wait_until(deadline, "ovs-vswitchd did not answer in time"); !waited) return waited;
    }
}

// Until something comes of what was registered with the poll loop; an error where the deadline is over.
Result<> OpenFlow::wait_until(Deadline deadline, const char* too_late) {
    const bool is_late = std::chrono::steady_clock::now() >= deadline;
    poll_timer_wait_until(monotonic_ms(deadline));
    poll_block();
    if (is_late) return Error{Fault::timeout, "Open vSwitch", too_late};
    return {};
}

// Ports of first fragments can be matched, and what others do to flows is told.
Result<> OpenFlow::greet() {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    const ofputil_switch_config config{OFPUTIL_FRAG_NX_MATCH, -1, 0};
    if (auto sent = send(ofputil_encode_set_config(&config, version), deadline); !sent) return sent;
    ofputil_flow_monitor_request watch;
    ofputil_protocol usable;
    if (const Text wrong{parse_flow_monitor_request(&watch, "!initial,!own,table=0", nullptr, nullptr, &usable)})
        return Error{Fault::invalid, "flow monitor", wrong.get()};
    ofpbuf* message = ofpbuf_new(0);
    ofputil_append_flow_monitor_request(&watch, message, protocol);
    ofpmsg_update_length(message);
    return send(message, deadline);
}

// The message is used up.
Result<> OpenFlow::send(ofpbuf* message, Deadline deadline) {
    Message held(message);
    for (;;) {
        const int error = vconn_send(connection_, held.get());
        if (!error) {
            held.release();
            return {};
        }
        if (error != EAGAIN) {
            lost_ = true;
            return lost();
        }
        vconn_run(connection_);
        vconn_run_wait(connection_);
        vconn_send_wait(connection_);
        if (auto waited = wait_until(deadline, "ovs-vswitchd did not take flows in time"); !waited) return waited;
    }
}

template <class Take>
Result<> OpenFlow::receive_until(Take is_done, Deadline deadline) {
    for (;;) {
        vconn_run(connection_);
        ofpbuf* raw = nullptr;
        const int error = vconn_recv(connection_, &raw);
        if (!error) {
            const Message message(raw);
            if (is_done(raw)) return {};
            overhear(raw);
            continue;
        }
        if (error != EAGAIN) {
            lost_ = true;
            return lost();
        }
        vconn_run_wait(connection_);
        vconn_recv_wait(connection_);
        if (auto waited = wait_until(deadline, "ovs-vswitchd did not answer about flows in time"); !waited) return waited;
    }
}

// What came without a question.
void OpenFlow::overhear(ofpbuf* message) {
    const auto type = type_of(*message);
    if (type == OFPTYPE_ECHO_REQUEST) {
        std::ignore = send(ofputil_encode_echo_reply(static_cast<const ofp_header*>(message->data)), std::chrono::steady_clock::now() + patience);
        return;
    }
    if (type != OFPTYPE_FLOW_MONITOR_STATS_REPLY) return;
    Actions actions;
    ofputil_flow_update update;
    while (!ofputil_decode_flow_update(&update, message, &actions.buffer)) {
        disturbed_ = disturbed_ || disturbs(update);
        if (auto flow = intruder(update)) intruders_.push_back(std::move(*flow));
    }
}

Result<> OpenFlow::write(std::span<const std::string> removed, std::span<const std::string> added, Deadline deadline) {
    if (auto sent = send(encode_bundle(OFPBCT_OPEN_REQUEST).release(), deadline); !sent) return sent;
    const auto send_all = [&](std::span<const std::string> flows, int command) -> Result<> {
        for (const std::string& flow : flows) {
            const auto message = encode_flow(flow, command);
            if (!message) return message.error();
            if (auto sent = send(in_bundle(**message).release(), deadline); !sent) return sent;
        }
        return {};
    };
    const std::vector<std::string> intruders = intruders_;  // others may be heard of before these are gone
    if (auto sent = send_all(intruders, OFPFC_DELETE_STRICT); !sent) return sent;
    if (auto sent = send_all(removed, OFPFC_DELETE); !sent) return sent;
    if (auto sent = send_all(added, OFPFC_ADD); !sent) return sent;
    if (auto sent = send(encode_bundle(OFPBCT_COMMIT_REQUEST).release(), deadline); !sent) return sent;
    std::optional<Error> refused;
    const auto refuses = [&](ofperr error) {
        if (!refused) refused = Error{Fault::backend, {}, fmt::format("flows were refused: {}", ofperr_to_string(error))};
    };
    if (auto heard = hear_out(refuses, deadline); !heard) return heard;
    if (refused) return *refused;
    intruders_.erase(intruders_.begin(), intruders_.begin() + static_cast<std::ptrdiff_t>(intruders.size()));
    return {};
}

// Until all that was sent is done; `refuses` gets each error.
template <class Refuses>
Result<> OpenFlow::hear_out(Refuses refuses, Deadline deadline) {
    ofpbuf* barrier = ofputil_encode_barrier_request(version);
    const auto number = static_cast<const ofp_header*>(barrier->data)->xid;
    if (auto sent = send(barrier, deadline); !sent) return sent;
    const auto is_done = [&](ofpbuf* message) {
        const auto* header = static_cast<const ofp_header*>(message->data);
        const auto type = type_of(*message);
        if (type == OFPTYPE_ERROR) refuses(ofperr_decode_msg(header, nullptr));
        return type == OFPTYPE_BARRIER_REPLY && header->xid == number;
    };
    return receive_until(is_done, deadline);
}

Result<bool> OpenFlow::add_meters(std::span<const Meter> meters, Deadline deadline) {
    for (const Meter& meter : meters) {
        ofputil_meter_band band{OFPMBT13_DROP, 0, meter.rate, meter.burst};
        const ofputil_meter_mod made{OFPMC13_ADD, {meter.number, OFPMF13_PKTPS | OFPMF13_BURST | OFPMF13_STATS, 1, &band}};
        if (auto sent = send(ofputil_encode_meter_mod(version, &made), deadline); !sent) return sent.error();
    }
    bool has_meters = true;
    const auto refuses = [&](ofperr error) { has_meters = has_meters && error == OFPERR_OFPMMFC_METER_EXISTS; };
    if (auto heard = hear_out(refuses, deadline); !heard) return heard.error();
    return has_meters;
}

Result<> OpenFlow::remove_meters(std::span<const std::uint16_t> numbers, Deadline deadline) {
    for (const std::uint16_t number : numbers) {
        const ofputil_meter_mod gone{OFPMC13_DELETE, {number, 0, 0, nullptr}};
        if (auto sent = send(ofputil_encode_meter_mod(version, &gone), deadline); !sent) return sent;
    }
    return hear_out([](ofperr) {}, deadline);   // one that was not there is no loss
}

// Each part of the answer.
template <class Type, class Take>
Result<> OpenFlow::ask(ofpbuf* question, Type reply, Take take, Deadline deadline) {
    const auto number = static_cast<const ofp_header*>(question->data)->xid;
    if (auto sent = send(question, deadline); !sent) return sent;
    const auto is_done = [&](ofpbuf* message) {
        const auto* header = static_cast<const ofp_header*>(message->data);
        if (header->xid != number) return false;
        if (type_of(*message) != reply) return true;
        const bool more = ofpmp_more(header);
        take(message);
        return !more;
    };
    return receive_until(is_done, deadline);
}

Result<std::vector<OpenFlow::Dropped>> OpenFlow::dropped_by_meters(Deadline deadline) {
    std::vector<Dropped> dropped;
    Actions bands;
    const auto take = [&](ofpbuf* message) {
        ofputil_meter_stats meter;
        while (!ofputil_decode_meter_stats(message, &meter, &bands.buffer))
            if (meter.meter_id <= UINT16_MAX && meter.n_bands > 0) dropped.push_back({static_cast<std::uint16_t>(meter.meter_id), meter.bands[0].packet_count});
    };
    if (auto answered = ask(ofputil_encode_meter_request(version, OFPUTIL_METER_STATS, OFPM13_ALL), OFPTYPE_METER_STATS_REPLY, take, deadline); !answered) return answered.error();
    return dropped;
}

Result<std::vector<OpenFlow::Count>> OpenFlow::counts(Deadline deadline) {
    ofputil_flow_stats_request request;
    ofputil_protocol usable;
    const auto which = fmt::format("table=0,cookie={:#x}/{:#x}", Cookie::netd, Cookie::netd_mask);
    if (const Text wrong{parse_ofp_flow_stats_request_str(&request, false, which.c_str(), nullptr, nullptr, &usable)})
        return Error{Fault::invalid, which, wrong.get()};
    std::vector<Count> counts;
    Actions actions;
    const auto take = [&](ofpbuf* message) {
        ofputil_flow_stats flow;
        while (!ofputil_decode_flow_stats_reply(&flow, message, true, &actions.buffer)) counts.push_back({be64toh(flow.cookie), flow.packet_count});
    };
    if (auto answered = ask(ofputil_encode_flow_stats_request(&request, protocol), OFPTYPE_FLOW_STATS_REPLY, take, deadline); !answered) return answered.error();
    return counts;
}

}  // namespace ovs
