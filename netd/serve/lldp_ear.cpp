// One packet socket hears LLDP of all NICs, also below bonds and bridges, and says by which NIC it came. One socket a NIC would
// cost each change of each link a walk over all of them, in the kernel. Only Open vSwitch takes frames away before protocols
// see them: there each NIC has a socket that stands where every frame passes, with a filter that lets through LLDP alone.
#include "netd/serve/lldp_ear.hpp"

#include "netd/loop/packet_filter.hpp"
#include "netd/observe/devices.hpp"
#include "netd/wire/json.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <set>
#include <sys/socket.h>
#include <utility>

namespace serve {

using loop::set_option;
using topology::Error;
using topology::Fault;
using topology::Result;

namespace {

using nlohmann::json;

constexpr std::array<std::uint8_t, 6> nearest_bridge{0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e};

sock_filter load(int of_the_frame) { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(SKF_AD_OFF + of_the_frame)); }

// By the ethertype alone: the payload is all that a socket of this kind hands out.
bool let_only_lldp_in(int ear) { return loop::attach(ear, {load(SKF_AD_PROTOCOL), loop::skip_unless(ETH_P_LLDP), loop::all_of_it, loop::nothing}); }

// Guests can say LLDP, too, by ports of bridges.
bool let_only_these_in(int ear, const std::set<int>& devices) {
    std::vector<sock_filter> filter{load(SKF_AD_IFINDEX)};
    for (const int device : devices) filter.insert(filter.end(), {loop::skip_unless(static_cast<std::uint32_t>(device)), loop::all_of_it});
    filter.push_back(loop::nothing);
    return loop::attach(ear, std::move(filter));
}

Result<> listen_by(int ear, int nic, int whether) {
    packet_mreq group{};
    group.mr_ifindex = nic;
    group.mr_type = PACKET_MR_MULTICAST;
    group.mr_alen = nearest_bridge.size();
    std::ranges::copy(nearest_bridge, group.mr_address);
    if (!set_option(ear, SOL_PACKET, whether, group)) return loop::system_error("LLDP", "membership");
    return {};
}

std::string why_deaf(const Error& error) { return error.what + (error.fault == Fault::denied ? ": netd needs CAP_NET_RAW to hear LLDP" : ""); }

// Nothing of what arrived before the filter was settled is let in, so the protocol comes last, with bind(). NIC 0 is all.
Result<loop::Fd> open_ear(int nic, bool below) {
    loop::Fd ear(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!ear) return loop::system_error("LLDP", "socket");
    if (below && !let_only_lldp_in(ear.number())) return loop::system_error("LLDP", "filter");
    set_option(ear.number(), SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
    set_option(ear.number(), SOL_PACKET, PACKET_ORIGDEV, 1);
    set_option(ear.number(), SOL_SOCKET, SO_RCVBUF, below ? 64 * 1024 : 1024 * 1024);
    sockaddr_ll where{};
    where.sll_family = AF_PACKET;
    where.sll_protocol = htons(below ? ETH_P_ALL : ETH_P_LLDP);
    where.sll_ifindex = nic;
    if (::bind(ear.number(), reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) return loop::system_error("LLDP", "bind");
    return ear;
}

json write_tlv(const observe::LldpTlv& tlv) {
    json object{{"type", tlv.type}, {"name", tlv.name}, {"properties", tlv.properties}};
    if (tlv.oui == 0) return object;
    object["oui"] = tlv.oui;
    object["subtype"] = tlv.subtype;
    return object;
}

bool is_a_nic(const bridges::Link& link, const observe::Snapshot& snapshot) {
    return observe::is_on_the_wire(link, snapshot) && !link.as<bridges::Bond>() && link.name.text() != "lo";
}

}  // namespace

Result<std::unique_ptr<LldpEar>> LldpEar::open(loop::EventLoop& loop, const loop::Clock& clock) {
    auto clerk = loop::Clerk::open(loop, "netd-lldp");
    if (!clerk) return clerk.error();
    std::unique_ptr<LldpEar> ear(new LldpEar(loop, clock));
    ear->clerk_ = std::move(*clerk);
    ear->ticket_ = loop.before_wait([self = ear.get()] { return self->work_off(); });
    return ear;
}

LldpEar::~LldpEar() {
    loop_.forget(ticket_);
    for (const auto& [nic, ear] : ears_)
        if (ear.own) loop_.unwatch(ear.own.number());
    if (shared_) loop_.unwatch(shared_.number());
}

void LldpEar::follow(observe::Published snapshot) {
    const auto note = [&](const auto* was, const auto* now) { due_.insert((now ? now : was)->name); };
    const auto note_link = [&](const bridges::Link* was, const bridges::Link* now) {
        note(was, now);
        const auto as_bond = [](const bridges::Link* link) { return link && link->as<bridges::Bond>() ? link->facts.index : 0; };
        are_others_ = are_others_ || as_bond(was) != as_bond(now);
    };
    topology::Keyed<bridges::Link>::each_difference(snapshot_->observed.kernel.links, snapshot->observed.kernel.links, note_link);
    topology::Keyed<ovs::Port>::each_difference(snapshot_->observed.ovs.ports, snapshot->observed.ovs.ports, note);
    snapshot_ = std::move(snapshot);
    work_off();
}

// So many at a time, for others wait for this thread. True if there are more.
bool LldpEar::work_off() {
    constexpr int most_at_once = 128;
    for (int done = 0; done < most_at_once && !due_.empty(); ++done) attend(due_.extract(due_.begin()).value());
    if (std::exchange(are_others_, false) && shared_) let_nics_in();
    return !due_.empty();
}

void LldpEar::attend(const topology::IfName& name) {
    const bridges::Link* link = snapshot_->observed.kernel.links.find(name);
    const auto there = ears_.find(name.text());
    const bool is_heard = link && is_a_nic(*link, *snapshot_), below = snapshot_->observed.ovs.ports.contains(name);
    if (there != ears_.end() && is_heard && there->second.index == link->facts.index && there->second.below == below) return;
    if (there == ears_.end() && !is_heard) return;
    are_others_ = true;  // by which it may come
    close(name.text());
    if (is_heard) listen(name.text(), link->facts.index, below);
}

// What has come by a bond shows the bond as its device, and the NIC as where it came from.
void LldpEar::let_nics_in() {
    std::set<int> devices;
    for (const auto& [nic, ear] : ears_)
        if (!ear.below) devices.insert(ear.index);
    for (const bridges::Link& link : snapshot_->observed.kernel.links)
        if (link.as<bridges::Bond>()) devices.insert(link.facts.index);
    if (devices == let_in_) return;
    // Too many for a filter: then what guests say is passed over here.
    if (!let_only_these_in(shared_.number(), devices)) set_option(shared_.number(), SOL_SOCKET, SO_DETACH_FILTER, 0);
    let_in_ = std::move(devices);
}

Result<> LldpEar::open(loop::Fd& ear, int nic, bool below) {
    auto opened = open_ear(nic, below);
    if (!opened) return opened.error();
    const int number = opened->number();
    if (auto watched = loop_.watch(number, [this, number] { hear(number); }); !watched) return watched;
    ear = std::move(*opened);
    return {};
}

void LldpEar::listen(const std::string& nic, int index, bool below) {
    Ear& ear = ears_[nic];
    ear.index = index;
    ear.below = below;
    Result<> listens;
    if (below) listens = open(ear.own, index, below);
    else if (!shared_) listens = open(shared_, 0, below);
    if (listens) join(nic, index, below ? ear.own.number() : shared_.number());
    else ear.deaf = why_deaf(listens.error());
}

void LldpEar::join(const std::string& nic, int index, int socket) {
    clerk_->give([this, nic, index, socket] {
        const auto joined = listen_by(socket, index, PACKET_ADD_MEMBERSHIP);
        const std::string deaf = joined ? "" : why_deaf(joined.error());
        return [this, nic, index, deaf] {
            if (const auto ear = ears_.find(nic); ear != ears_.end() && ear->second.index == index) ear->second.deaf = deaf;
        };
    });
}

void LldpEar::close(const std::string& nic) {
    const auto found = ears_.find(nic);
    if (found == ears_.end()) return;
    Ear& ear = found->second;
    if (ear.own) {
        loop_.unwatch(ear.own.number());
        // Whatever was asked of it before is done by then.
        clerk_->give([own = std::make_shared<loop::Fd>(std::move(ear.own))]() -> loop::Clerk::Then {
            *own = loop::Fd();
            return {};
        });
    } else if (shared_) {
        clerk_->give([socket = shared_.number(), index = ear.index]() -> loop::Clerk::Then {
            (void)listen_by(socket, index, PACKET_DROP_MEMBERSHIP);
            return {};
        });
    }
    ears_.erase(found);
}

// A NIC that goes down leaves an error on its own socket, which a look takes away; it hears again when the NIC is up.
void LldpEar::hear(int socket) {
    constexpr int most_at_once = 16;
    std::array<std::uint8_t, 1600> room;
    for (int heard = 0; heard < most_at_once; ++heard) {
        sockaddr_ll from{};
        socklen_t size = sizeof from;
        const ssize_t got = ::recvfrom(socket, room.data(), room.size(), MSG_TRUNC, reinterpret_cast<sockaddr*>(&from), &size);
        if (got < 0) return;
        if (from.sll_pkttype == PACKET_OUTGOING || from.sll_pkttype == PACKET_OTHERHOST) continue;
        const auto ear = std::ranges::find_if(ears_, [&](const auto& one) { return one.second.index == from.sll_ifindex; });
        if (ear == ears_.end()) continue;
        auto unit = static_cast<std::size_t>(got) > room.size()
                        ? Result<observe::LldpUnit>(Error{Fault::invalid, "LLDP", "is longer than a frame"})
                        : observe::parse_lldp(std::span(room).first(static_cast<std::size_t>(got)));
        if (unit) ear->second.neighbours.hear(std::move(*unit), clock_.boottime());
        else ++malformed_;
    }
}

json LldpEar::report(const std::vector<std::string>& devices) {
    while (work_off()) {}
    std::vector<std::string> wanted = devices;
    if (wanted.empty())
        for (const auto& [nic, ear] : ears_) wanted.push_back(nic);
    json report = json::object();
    for (const std::string& nic : wanted) {
        const auto found = ears_.find(nic);
        json& entry = report[nic] = {{"enabled", false}, {"tlvs", json::array()}};
        if (found == ears_.end()) entry["why"] = "there is no NIC of that name";
        else if (!found->second.deaf.empty()) entry["why"] = found->second.deaf;
        else {
            entry["enabled"] = true;
            for (const observe::LldpTlv& tlv : found->second.neighbours.tlvs(clock_.boottime())) entry["tlvs"].push_back(write_tlv(tlv));
        }
    }
    return report;
}

}  // namespace serve
