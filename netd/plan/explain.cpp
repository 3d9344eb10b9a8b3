// A step in words that an administrator understands at night.
#include "netd/plan/plan.hpp"

#include "topology/compare.hpp"

#include <algorithm>
#include <array>

namespace plan {
namespace {

using topology::Difference;

// What netd has words of its own for says to nobody else what it means.
struct Phrase {
    std::string_view attribute, wanted, text;
};
constexpr std::array<Phrase, 20> phrases = {{
    {"up", "true", "set up"},
    {"up", "false", "set down"},
    {"stack.ipv6", "true", "IPv6 on"},
    {"stack.ipv6", "false", "IPv6 off"},
    {"stack.forwarding", "true", "packets are forwarded from it"},
    {"stack.forwarding", "false", "nothing is forwarded from it"},
    {"stack.arp_strict", "true", "ARP is answered for its own addresses only"},
    {"stack.arp_strict", "false", "ARP is answered for all addresses of the host"},
    {"stack.hears_routers", "true", "router announcements are heard"},
    {"stack.hears_routers", "false", "router announcements are not heard"},
    {"stack.autoconf", "true", "IPv6 addresses from router announcements"},
    {"stack.autoconf", "false", "no IPv6 addresses from router announcements"},
    {"stack.ra_gateway", "true", "default route by router announcements"},
    {"stack.ra_gateway", "false", "no default route by router announcements"},
    {"standing", "apart", "the rules for networks no longer hold for it"},
    {"standing", "network", "the host answers on it as on a network without a role"},
    {"standing", "network closed", "the host itself takes nothing from it"},
    {"gate", "true", "taps carry nothing until it is known whose they are"},
    {"admitted", "true", "let through, as it is known whose it is"},
    {"routed", "true", "the kernel's own routes to its subnets"},
}};

std::string words(const Difference& difference);

// Of a device that Open vSwitch is still to make nothing is known, so that all of its stack is told at once: "ipv6=false autoconf=none".
std::string words_of_stack(std::string_view wanted) {
    std::string all;
    while (!wanted.empty()) {
        const auto one = wanted.substr(0, wanted.find(' '));
        wanted.remove_prefix(std::min(wanted.size(), one.size() + 1));
        const auto is = one.find('=');
        if (const auto value = one.substr(is + 1); value != "none") all += (all.empty() ? "" : ", ") + words({"stack." + std::string(one.substr(0, is)), std::string(value), "none"});
    }
    return all;
}

std::string words(const Difference& difference) {
    if (difference.attribute == "stack" && difference.found == "none") return words_of_stack(difference.wanted);
    const auto phrase = std::ranges::find_if(phrases, [&](const Phrase& one) { return one.attribute == difference.attribute && one.wanted == difference.wanted; });
    if (phrase != phrases.end()) return std::string(phrase->text);
    constexpr std::string_view in_network = "network ";
    if (difference.attribute == "standing" && difference.wanted.starts_with(in_network)) return "the host answers on it as on a network for " + difference.wanted.substr(in_network.size());
    std::string attribute = difference.attribute == "master.of" ? "master" : difference.attribute;
    for (const std::string_view where : {"kind.", "options."})
        if (attribute.starts_with(where)) attribute.erase(0, where.size());
    return attribute + " " + difference.found + " becomes " + difference.wanted;
}

template <class R>
std::string words(const topology::Create<R>& op) {
    return "create " + describe(op.now);
}
template <class R>
std::string words(const topology::Remove<R>& op) {
    return "remove " + describe(op.was);
}
// What comes with another change, as the flags of a bridge's new port do, and is as everybody takes for granted.
bool goes_without_saying(const Difference& difference) {
    return (difference.attribute == "isolated" && difference.found == "none" && difference.wanted == "false") ||
           (difference.attribute == "flags" && difference.found == difference.wanted);
}

// What the kernel is told though it tells nothing else: it may remember more.
std::string words_of_the_same(const bridges::Link& now) { return now.as<bridges::Bond>() ? " no primary" : ""; }
template <class R> std::string words_of_the_same(const R&) { return ""; }

template <class R>
std::string words(const topology::Update<R>& op) {
    const std::string text = "change " + describe(op.was) + ":";
    std::string all;
    for (const auto& difference : topology::differences(op.now, op.was)) {
        if (goes_without_saying(difference)) continue;
        all += (all.empty() ? " " : ", ") + words(difference);
    }
    return text + (all.empty() ? words_of_the_same(op.now) : all);
}

template <class R> std::string name(const topology::Create<R>& op) { return op.now.key().text(); }
template <class R> std::string name(const topology::Update<R>& op) { return op.now.key().text(); }
template <class R> std::string name(const topology::Remove<R>& op) { return op.was.key().text(); }

}  // namespace

std::string describe(const Op& op) {
    return std::visit([](const auto& backend) { return std::visit([](const auto& change) { return words(change); }, backend); }, op);
}

std::string subject(const Op& op) {
    return std::visit([](const auto& backend) { return std::visit([](const auto& change) { return name(change); }, backend); }, op);
}

}  // namespace plan
