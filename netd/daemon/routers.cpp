// See routers.hpp.
#include "netd/daemon/routers.hpp"

#include "topology/host_address.hpp"

#include <algorithm>
#include <array>
#include <netinet/icmp6.h>
#include <tuple>

namespace netd {

using topology::IpAddress;
using topology::Subnet;

namespace {

constexpr std::size_t head = sizeof(nd_router_advert), most_prefixes = 16;

IpAddress address_at(const std::uint8_t* bytes) {
    std::array<std::uint8_t, 16> all;
    std::copy_n(bytes, all.size(), all.begin());
    return IpAddress::v6(all);
}

// Whom the wire reaches. A shorter one than addresses are made of would claim what is elsewhere.
std::optional<Subnet> wire_in(std::span<const std::uint8_t> option) {
    constexpr std::uint8_t on_link = 0x80;
    if (option[0] != ND_OPT_PREFIX_INFORMATION || option.size() != sizeof(nd_opt_prefix_info) || !(option[3] & on_link)) return std::nullopt;
    const bool is_over = std::ranges::all_of(option.subspan(4, 4), [](std::uint8_t byte) { return byte == 0; });
    if (is_over || option[2] < 64 || option[2] > 128) return std::nullopt;
    const auto wire = Subnet::from(address_at(&option[16]), option[2]);
    if (!wire || wire->address().is_link_local() || !topology::unfit_for_a_host(*Subnet::from(wire->address(), 128)).empty()) return std::nullopt;
    return wire->network();
}

int preference_in(std::uint8_t flags) {
    const int two = flags >> 3 & 3;
    return two == 1 ? 1 : two == 3 ? -1 : 0;
}

}  // namespace

std::optional<Advert> read_advert(std::span<const std::uint8_t> message, const IpAddress& from, int hops) {
    constexpr int from_the_wire = 255;  // whoever forwards takes one
    if (message.size() < head || message[0] != ND_ROUTER_ADVERT || message[1] != 0 || hops != from_the_wire || !from.is_v6() || !from.is_link_local()) return std::nullopt;
    Advert advert{.router = from, .preference = preference_in(message[5]), .lasts = std::chrono::seconds(message[6] << 8 | message[7])};
    for (auto rest = message.subspan(head); !rest.empty();) {
        const std::size_t length = rest.size() < 2 ? 0 : rest[1] * std::size_t{8};
        if (length == 0 || length > rest.size()) return std::nullopt;
        if (const auto wire = wire_in(rest.first(length)); wire && advert.on_link.size() < most_prefixes) advert.on_link.insert(*wire);
        rest = rest.subspan(length);
    }
    return advert;
}

void Routers::remember(const lower::Lease& told, std::chrono::nanoseconds end) {
    told_ = told;
    told_end_ = end;
    autoconf_ = told.autoconf;
    known_ = {{*told.gateway, 0, end, told.on_link}};
}

bool Routers::knows(const IpAddress& router) const {
    return std::ranges::any_of(known_, [&](const Router& one) { return one.address == router; });
}

void Routers::take(const Advert& advert, std::chrono::nanoseconds now) {
    std::erase_if(known_, [&](const Router& one) { return one.end <= now; });
    const auto found = std::ranges::find(known_, advert.router, &Router::address);
    const bool is_known = found != known_.end();
    if (advert.lasts.count() == 0) {
        if (is_known) known_.erase(found);
        return;
    }
    const Router router{advert.router, advert.preference, now + std::max(advert.lasts, shortest), advert.on_link};
    if (is_known) *found = router;
    else if (known_.size() < most) known_.push_back(router);
    else if (Router& least = least_of_all(); least.preference <= router.preference) least = router;
}

// Never the one that counts.
Routers::Router& Routers::least_of_all() {
    return *std::ranges::min_element(known_, {}, [&](const Router& one) { return std::tuple(one.address == told_.gateway, one.preference, one.end); });
}

// Of those that are as good as each other the one that counts already, else the one that came first.
const Routers::Router* Routers::best() const {
    const auto rank = [&](const Router& one) { return std::pair(one.preference, one.address == told_.gateway); };
    const auto found = std::ranges::max_element(known_, {}, rank);
    return found == known_.end() ? nullptr : &*found;
}

std::optional<Routers::News> Routers::news(std::chrono::nanoseconds now) {
    std::erase_if(known_, [&](const Router& one) { return one.end <= now; });
    const Router* router = best();
    News all;
    if (router) all = {{.gateway = router->address, .on_link = router->on_link, .autoconf = autoconf_}, router->end};
    const bool is_same = all.lease == told_ && all.end == told_end_;
    waits_ = !is_same && now < again_;
    if (is_same || waits_) return std::nullopt;
    told_ = all.lease;
    told_end_ = all.end;
    again_ = now + pace;
    return all;
}

std::optional<std::chrono::nanoseconds> Routers::next() const {
    if (waits_) return again_;
    if (known_.empty()) return std::nullopt;
    return std::ranges::min_element(known_, {}, &Router::end)->end;
}

}  // namespace netd
