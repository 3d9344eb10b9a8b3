// A socket bound to a NIC sees what the NIC took in before a bond or bridge renames it; only Open vSwitch takes frames away
// earlier than that, and there the socket hears everything, with a filter that lets through LLDP alone.
#include "netd/serve/lldp_ear.hpp"

#include "netd/observe/devices.hpp"
#include "netd/wire/json.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <set>
#include <sys/socket.h>

namespace serve {

using topology::Error;
using topology::Fault;
using topology::Result;

namespace {

using nlohmann::json;

constexpr std::array<std::uint8_t, 6> nearest_bridge{0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e};

// Nothing of what arrived before the filter and the NIC were settled is let in, so the protocol comes last, with bind().
Result<loop::Fd> open_ear(int index, bool below) {
    loop::Fd ear(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!ear) return loop::system_error("LLDP", "socket");
    // The ethertype alone: the payload is all that a socket of this kind hands out.
    std::array<sock_filter, 4> is_lldp{{BPF_STMT(BPF_LD | BPF_H | BPF_ABS, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PROTOCOL)),
                                        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_LLDP, 0, 1),
                                        BPF_STMT(BPF_RET | BPF_K, 0xffff),
                                        BPF_STMT(BPF_RET | BPF_K, 0)}};
    const sock_fprog program{is_lldp.size(), is_lldp.data()};
    const int yes = 1;
    if (::setsockopt(ear.number(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) return loop::system_error("LLDP", "filter");
    ::setsockopt(ear.number(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof yes);
    const int room = 64 * 1024;
    ::setsockopt(ear.number(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    packet_mreq group{};
    group.mr_ifindex = index;
    group.mr_type = PACKET_MR_MULTICAST;
    group.mr_alen = nearest_bridge.size();
    std::ranges::copy(nearest_bridge, group.mr_address);
    if (::setsockopt(ear.number(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &group, sizeof group) != 0) return loop::system_error("LLDP", "membership");
    sockaddr_ll where{};
    where.sll_family = AF_PACKET;
    where.sll_protocol = htons(below ? ETH_P_ALL : ETH_P_LLDP);
    where.sll_ifindex = index;
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
    return observe::is_on_the_wire(link, snapshot) && !(link.kind && std::holds_alternative<bridges::Bond>(*link.kind)) && link.name.text() != "lo";
}

}  // namespace

LldpEar::~LldpEar() {
    while (!ears_.empty()) close(std::string(ears_.begin()->first));
}

void LldpEar::follow(const observe::Snapshot& snapshot) {
    std::set<topology::IfName> changed;
    const auto note = [&](const auto* was, const auto* now) { changed.insert((now ? now : was)->name); };
    topology::Keyed<bridges::Link>::each_difference(links_, snapshot.observed.kernel.links, note);
    topology::Keyed<ovs::Port>::each_difference(ports_, snapshot.observed.ovs.ports, note);
    links_ = snapshot.observed.kernel.links;
    ports_ = snapshot.observed.ovs.ports;
    for (const topology::IfName& name : changed) {
        const bridges::Link* link = links_.find(name);
        const auto there = ears_.find(name.text());
        if (!link || !is_a_nic(*link, snapshot)) {
            close(name.text());
            continue;
        }
        const bool below = ports_.contains(name);
        if (there != ears_.end() && there->second.index == link->facts.index && there->second.below == below) continue;
        close(name.text());
        listen(name.text(), link->facts.index, below);
    }
}

void LldpEar::listen(const std::string& nic, int index, bool below) {
    Ear& ear = ears_[nic];
    ear.index = index;
    ear.below = below;
    auto opened = open_ear(index, below);
    if (!opened) {
        ear.deaf = opened.error().what + (errno == EPERM ? ": netd needs CAP_NET_RAW to hear LLDP" : "");
        return;
    }
    ear.socket = std::move(*opened);
    if (auto watched = loop_.watch(ear.socket.number(), [this, &ear] { hear(ear); }); !watched) ear.deaf = watched.error().what;
}

void LldpEar::close(const std::string& nic) {
    const auto found = ears_.find(nic);
    if (found == ears_.end()) return;
    if (found->second.socket) loop_.unwatch(found->second.socket.number());
    ears_.erase(found);
}

// A NIC that goes down leaves an error on the socket, which a look takes away; it hears again when the NIC is up.
void LldpEar::hear(Ear& ear) {
    constexpr int most_at_once = 16;
    std::array<std::uint8_t, 1600> room;
    for (int heard = 0; heard < most_at_once; ++heard) {
        sockaddr_ll from{};
        socklen_t size = sizeof from;
        const ssize_t got = ::recvfrom(ear.socket.number(), room.data(), room.size(), MSG_TRUNC, reinterpret_cast<sockaddr*>(&from), &size);
        if (got < 0) return;
        if (from.sll_pkttype == PACKET_OUTGOING || from.sll_pkttype == PACKET_OTHERHOST) continue;
        auto unit = static_cast<std::size_t>(got) > room.size()
                        ? Result<observe::LldpUnit>(Error{Fault::invalid, "LLDP", "is longer than a frame"})
                        : observe::parse_lldp(std::span(room).first(static_cast<std::size_t>(got)));
        if (unit) ear.neighbours.hear(std::move(*unit), clock_.boottime());
        else ++malformed_;
    }
}

json LldpEar::report(const std::vector<std::string>& devices) const {
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
