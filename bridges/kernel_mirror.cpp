// See kernel_mirror.hpp.
#include "bridges/kernel_mirror.hpp"

#include "bridges/nl_write.hpp"

#include <sys/socket.h>

#include <future>

namespace bridges {

namespace {

Result<> feed(Mirror& mirror, const Result<std::vector<std::byte>>& messages) {
    if (!messages) return messages.error();
    each_message({messages->data(), messages->size()}, [&](const nlmsghdr& message) { mirror.take_listed(message); });
    return {};
}

}  // namespace

Result<> KernelMirror::list(Mirror& into, const Message& question) {
    return feed(into, requests_.dump(question));
}

// All but the links. A kernel without IPv6 or traffic control refuses what comes after the first few, and has none.
std::vector<Result<std::vector<std::byte>>> KernelMirror::list_rest() {
    std::vector<Result<std::vector<std::byte>>> lists;
    for (const Message& question : {ask_bridge_ports(), ask_addresses(), ask_routes(AF_INET, {}, {}), ask_rules(AF_INET), ask_routes(AF_INET6, {}, {}), ask_rules(AF_INET6), ask_qdiscs()})
        lists.push_back(requests_.dump(question));
    return lists;
}

Result<> KernelMirror::look(const std::function<Result<>(KernelMirror&)>& last) {
    // What waits is older than what is about to be seen, and would undo it.
    while (!notifications_.drain([](const nlmsghdr&) {})) {}
    has_lost_ = true;  // until all is seen: a look that fails is begun anew
    Mirror fresh(own_timers_of, has_fixed_mac);
    const auto links = requests_.dump(ask_links());
    if (!links) return links.error();
    // The kernel tells the rest while the links are read, which are most of it; where there is no thread to be had, afterwards.
    auto rest = std::async([this] { return list_rest(); });
    if (auto read = feed(fresh, links); !read) return read.error();
    constexpr std::size_t needed = 4;
    const auto lists = rest.get();
    for (std::size_t i = 0; i < lists.size(); ++i)
        if (auto read = feed(fresh, lists[i]); !read && (i < needed || is_broken(read.error()))) return read.error();
    for (const Message& question : fresh.traffic_questions())
        if (auto listed = list(fresh, question); !listed) return listed.error();
    if (auto done = last ? last(*this) : Result<>(); !done) return done.error();
    fresh.take_rules(mirror_);
    fresh.settle();
    fresh.take_doubts();
    fresh.take_hints();
    fresh.inherit(mirror_);
    mirror_ = std::move(fresh);
    has_lost_ = false;
    return {};
}

void KernelMirror::take_filters(const FilterContent& content, const FilterTable::News& news) {
    if (news.of_all) mirror_.take_filters(content);
    else for (const IfName& name : news.devices) mirror_.take_filter(name, content);
    mirror_.settle();
}

void KernelMirror::take_host_rules(bool stand) {
    mirror_.take_host_rules(stand);
    mirror_.settle();
}

void KernelMirror::drain() {
    if (!notifications_.drain([this](const nlmsghdr& message) { mirror_.take(message); })) has_lost_ = true;
}

Result<> KernelMirror::look_at(const std::set<int>& links) {
    std::vector<Message> questions;
    for (const int link : links) questions.push_back(ask_link(link));
    const auto answers = requests_.exchange(questions, [this](const nlmsghdr& message) { mirror_.take(message); });
    if (!answers) {
        has_lost_ = true;  // what nobody tells by himself
        return answers.error();
    }
    mirror_.settle();
    return {};  // a link that is gone has told so, or will
}

// Asks what the reports left open. Each doubt is asked once: whoever changes things meanwhile is heard next.
Result<> KernelMirror::clear_doubts() {
    const auto doubts = mirror_.take_doubts();
    if (!doubts.empty()) {
        // The kernel tells of an address that goes before its routes have gone, and a newer one lists them meanwhile.
        std::vector<Message> barrier;
        barrier.push_back(write_nothing());
        if (const auto answers = requests_.exchange(barrier); !answers) return answers.error();
    }
    for (const Doubt& doubt : doubts) {
        const auto device = doubt.table ? std::nullopt : std::optional(doubt.device);
        const auto routes = requests_.dump(ask_routes(doubt.v6 ? AF_INET6 : AF_INET, device, doubt.table));
        if (!routes && is_broken(routes.error())) return routes.error();
        mirror_.forget(doubt);
        (void)feed(mirror_, routes);  // refused: that link or table is gone, and its routes with it
    }
    if (const auto hints = mirror_.take_hints(); !hints.empty()) {
        if (auto looked = look_at(hints); !looked) return looked.error();
    }
    if (mirror_.doubts_rules()) {
        const auto rules = requests_.dump(ask_rules(AF_INET)), others = requests_.dump(ask_rules(AF_INET6));
        if (!rules) return rules.error();
        if (!others && is_broken(others.error())) return others.error();
        mirror_.forget_rules(AF_INET);
        (void)feed(mirror_, rules);
        if (others) mirror_.forget_rules(AF_INET6);
        (void)feed(mirror_, others);  // a kernel without IPv6 refuses, and has none
    }
    mirror_.settle();
    mirror_.drop(doubts);  // their lists may say again that there is more; what a look at a link has brought up is asked next
    return {};
}

Result<Heard> KernelMirror::hear() {
    const State before = mirror_.state();
    Heard heard;
    drain();
    while (has_lost_) {
        heard.overrun = true;
        if (auto looked = look(); !looked) return looked.error();
        drain();
    }
    mirror_.settle();
    if (auto cleared = clear_doubts(); !cleared) {
        has_lost_ = true;  // the doubts are gone with their question
        return cleared.error();
    }
    heard.changed = !(before == mirror_.state());
    topology::Keyed<Link>::each_difference(before.links, mirror_.state().links, [&](const Link* was, const Link* now) {
        const bool was_of_network = was && was->standing && was->standing->is_of_network();
        heard.unfiltered = heard.unfiltered || (was_of_network && now && now->standing != was->standing);
    });
    return heard;
}

}  // namespace bridges
