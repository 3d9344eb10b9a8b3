// resolved remembers by itself what a link was told, and forgets it with the link; so each start of either side may say it all once more.
#include "netd/daemon/resolved.hpp"

#include "netd/store/files.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

namespace netd {

using topology::Error;
using topology::Fault;
using topology::Result;

namespace {

constexpr const char* document = "resolved";
constexpr std::chrono::nanoseconds longest_wait = std::chrono::seconds(1);
// While answers are to come: the bus tells of those that never do when it is looked at.
constexpr std::chrono::nanoseconds look = std::chrono::seconds(2);

// One that can't be read is none: it is lost with the machine's memory, and so is what resolved was told.
std::set<int> links_in(const std::string& folder) {
    std::set<int> links;
    const auto read = store::read_document(folder, document);
    if (!read || !*read) return links;
    std::istringstream words((*read)->body);
    for (int link = 0; words >> link;) links.insert(link);
    return links;
}

}  // namespace

std::vector<LinkCall> calls_for(const std::set<int>& told, const TellLink& target) {
    std::vector<LinkCall> calls;
    if (!target.resolver.empty()) calls.push_back(target);
    for (const int link : told)
        if (target.resolver.empty() || link != target.index) calls.push_back(RevertLink{link});
    return calls;
}

Resolved::Resolved(std::string folder, const loop::Clock& clock, OpenBus open)
    : folder_(std::move(folder)), clock_(clock), open_bus_(std::move(open)), links_(links_in(folder_)) {}

Result<> Resolved::sync(int link, const lower::Resolver& wanted) {
    const TellLink target = wanted.empty() ? TellLink{} : TellLink{link, wanted};
    const bool is_other = wanted_ != target;
    wanted_ = target;
    if (wanted.empty() && links_.empty()) {
        bus_.reset();
        said_.reset(), trouble_.reset(), again_.reset();
        is_due_ = has_taken_ = false;
        open_ = 0;
        return {};
    }
    const auto until = clock_.boottime() + longest_wait;
    if (is_other) finish(until);  // what was said before
    if (open_ == 0 && (is_due_ || said_ != target)) say(target);
    if (is_other) finish(until);
    if (trouble_) return *trouble_;  // also while it is tried again
    if (said_ != target || !has_taken_) return Error{Fault::timeout, "systemd-resolved", "it has not answered yet"};
    return {};
}

void Resolved::say(const TellLink& target) {
    if (said_ != target) {
        pause_.end();
        trouble_.reset();
        has_taken_ = false;
    }
    said_ = target;
    is_due_ = false;
    refusal_.reset();
    std::set<int> links = links_;
    if (!target.resolver.empty()) links.insert(target.index);
    if (!bus_) {
        auto opened = open_bus_({[this](const Result<>& how) { answered(how); }, [this] { is_due_ = has_news_ = true; }});
        if (opened) bus_ = std::move(*opened);
        else refusal_ = opened.error();
    }
    // On disk before it is said, so that whoever comes next can take it back.
    if (auto noted = note(links); !noted) refusal_ = noted.error();
    for (const LinkCall& call : calls_for(links_, target)) {
        if (refusal_) break;
        if (auto sent = bus_->send(call)) open_ += *sent;
        else refusal_ = sent.error();
    }
    // Of what was said already no answer is waited for.
    if (refusal_) {
        bus_.reset();
        open_ = 0;
    }
    again_ = clock_.boottime() + look;
    if (open_ == 0) conclude();
}

void Resolved::finish(std::chrono::nanoseconds until) {
    while (open_ > 0 && clock_.boottime() < until) take(until - clock_.boottime());
}

void Resolved::take(std::chrono::nanoseconds patience) {
    const auto heard = bus_->hear(patience);
    if (heard) return;
    bus_.reset();
    open_ = 0;
    refusal_ = heard.error();
    conclude();
}

void Resolved::answered(const Result<>& how) {
    if (!how && !refusal_) refusal_ = how.error();
    if (--open_ == 0) conclude();
}

void Resolved::conclude() {
    again_.reset();
    if (!refusal_) {
        const std::set<int> links = said_->resolver.empty() ? std::set<int>() : std::set{said_->index};
        if (auto noted = note(links); !noted) refusal_ = noted.error();
    }
    trouble_ = std::exchange(refusal_, std::nullopt);
    if (!trouble_) {
        has_taken_ = true;
        pause_.end();
        return;
    }
    again_ = clock_.boottime() + pause_.lengthen();
}

Result<> Resolved::note(const std::set<int>& links) {
    if (links == links_) return {};
    if (links.empty()) {
        if (auto removed = store::remove_document(folder_, document); !removed) return removed;
    } else {
        std::string body;
        for (const int link : links) body += std::to_string(link) + "\n";
        if (auto written = store::write_document(folder_, document, {0, body}, store::Durable::no); !written) return written;
    }
    links_ = links;
    return {};
}

bool Resolved::hear() {
    const bool was_open = open_ > 0;
    if (bus_) take({});
    if (was_open && open_ == 0) has_news_ = true;
    if (again_ && clock_.boottime() >= *again_) {
        again_.reset();
        if (open_ > 0) again_ = clock_.boottime() + look;
        else is_due_ = has_news_ = true;
    }
    return std::exchange(has_news_, false);
}

std::optional<std::chrono::nanoseconds> Resolved::next() const { return has_news_ ? clock_.boottime() : again_; }

std::vector<std::string> Resolved::nameservers() const {
    return has_taken_ && !trouble_ ? said_->resolver.nameservers : std::vector<std::string>();
}

}  // namespace netd
