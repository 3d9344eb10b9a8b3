// See claims.hpp. One socket hears all devices: a frame that comes by a port of a bridge is heard by the bridge alone.
#include "netd/daemon/claims.hpp"

#include "netd/daemon/log.hpp"
#include "netd/loop/packet_filter.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace netd {

using bridges::Link;
using topology::IfName;
using topology::IpAddress;
using topology::Mac;

namespace {

constexpr std::chrono::seconds pause{10}, memory{300};
constexpr std::chrono::milliseconds moment{100};  // in which whoever has a new address is asked, and answers
constexpr int most_at_once = 64;
constexpr std::size_t of_mac = 8, of_address = 14, length = 28;  // where an ARP message has its sender's

std::set<IpAddress> ipv4_of(const Link* link) {
    std::set<IpAddress> all;
    if (link && link->addresses)
        for (const auto& one : *link->addresses)
            if (!one.is_v6()) all.insert(one.address());
    return all;
}

std::uint32_t number_of(const IpAddress& address) {
    const auto* bytes = address.data();
    return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

// Nothing of what arrived before the filter was settled is let in, so the protocol comes last, with bind().
loop::Fd open_ear() {
    loop::Fd ear(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!ear || !loop::attach(ear.number(), {loop::nothing})) return {};
    loop::set_option(ear.number(), SOL_SOCKET, SO_RCVBUF, 64 * 1024);
    sockaddr_ll where{};
    where.sll_family = AF_PACKET;
    where.sll_protocol = htons(ETH_P_ARP);
    if (::bind(ear.number(), reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) return {};
    return ear;
}

}  // namespace

std::optional<Claim> parse_claim(std::span<const std::uint8_t> message) {
    constexpr std::array<std::uint8_t, 6> begin{0, ARPHRD_ETHER, ETH_P_IP >> 8, ETH_P_IP & 0xff, ETH_ALEN, 4};
    if (message.size() < length || !std::ranges::equal(begin, message.first(begin.size()))) return std::nullopt;
    Mac::Bytes mac{};
    std::array<std::uint8_t, 4> address{};
    std::ranges::copy(message.subspan(of_mac, mac.size()), mac.begin());
    std::ranges::copy(message.subspan(of_address, address.size()), address.begin());
    const Claim claim{0, IpAddress::v4(address), Mac::of(mac)};
    return claim.address.is_unspecified() ? std::nullopt : std::optional(claim);
}

Claims::Claims() : socket_(open_ear()) {}

void Claims::follow(const observe::Snapshot& next, Time now) {
    bool are_others = false;
    topology::Keyed<Link>::each_difference(links_, next.observed.kernel.links, [&](const Link* was, const Link* now) {
        auto has = ipv4_of(now);
        if (ipv4_of(was) == has) return;
        are_others = true;
        if (has.empty()) ours_.erase(was->name);
        else ours_[now->name] = std::move(has);
    });
    links_ = next.observed.kernel.links;
    networks_ = next.running.networks();
    if (!are_others) return;
    let_only_these_in();
    if (due_ <= now || due_ > now + moment) due_ = now + moment;
}

void Claims::let_only_these_in() const {
    std::vector<sock_filter> filter{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, of_address)};
    for (const auto& [device, addresses] : ours_)
        for (const auto& address : addresses)
            if (filter.size() + 3 <= BPF_MAXINSNS) filter.insert(filter.end(), {loop::skip_unless(number_of(address)), loop::all_of_it});
    filter.push_back(loop::nothing);
    (void)loop::attach(socket_.number(), std::move(filter));  // the one before stays: new addresses are not heard of
}

std::optional<Claims::Time> Claims::next() const { return socket_ && !ours_.empty() ? std::optional(due_) : std::nullopt; }

void Claims::hear(Time now) {
    if (!socket_ || now < due_) return;
    due_ = now + pause;
    for (int number = 0; number < most_at_once; ++number) {
        std::array<std::uint8_t, length> room{};
        sockaddr_ll from{};
        socklen_t size = sizeof from;
        const ssize_t got = ::recvfrom(socket_.number(), room.data(), room.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
        if (got < 0) return;
        auto claim = parse_claim(std::span(room).first(static_cast<std::size_t>(got)));
        if (!claim) continue;
        claim->device = from.sll_ifindex;
        take(*claim, now);
    }
}

bool Claims::is_ours(const IfName& device, const IpAddress& address) const {
    const auto found = ours_.find(device);
    return found != ours_.end() && found->second.contains(address);
}

// What the host itself says comes back by some bonds, and its networks may hear each other.
void Claims::take(const Claim& claim, Time now) {
    if (std::ranges::any_of(links_, [&](const Link& link) { return link.mac == claim.mac; })) return;
    for (const intent::Network& network : networks_) {
        const Link* link = network.is_on_host() ? links_.find(lower::top_device(network)) : nullptr;
        if (!link || link->facts.index != claim.device || !is_ours(link->name, claim.address)) continue;
        auto sentence = fmt::format("{} of network {} is another host's, too: {} says by ARP that it has it", claim.address.text(), network.name.text(), claim.mac.text());
        const auto [heard, is_new] = heard_.insert_or_assign({link->name, claim.address}, Heard{std::move(sentence), now});
        if (is_new) log::warn("{}", heard->second.sentence);
    }
    std::erase_if(heard_, [&](const auto& one) { return one.second.when + memory < now; });
}

std::vector<std::string> Claims::told(Time now) const {
    std::vector<std::string> sentences;
    for (const auto& [where, heard] : heard_)
        if (is_ours(where.first, where.second) && now <= heard.when + memory) sentences.push_back(heard.sentence);
    return sentences;
}

}  // namespace netd
