// A rename is what moves a lease on, so that a crash anywhere leaves one of the states that a start knows.
#include "netd/daemon/lease_folder.hpp"

#include "netd/daemon/lease_file.hpp"
#include "netd/daemon/log.hpp"
#include "netd/store/files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <sys/inotify.h>
#include <unistd.h>
#include <utility>

namespace netd {

using topology::Error;
using topology::Fault;

namespace {

constexpr std::chrono::seconds before_next_try{2};  // as a rule there were no descriptors left

}  // namespace

topology::Result<LeaseFolder> LeaseFolder::open(const std::string& folder, const loop::Clock& clock) {
    if (auto made = store::make_directory(folder, 0700); !made) return made.error();
    loop::Fd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!watch || ::inotify_add_watch(watch.number(), folder.c_str(), IN_MOVED_TO) < 0) return Error{Fault::backend, folder, std::strerror(errno)};
    LeaseFolder leases(folder, std::move(watch), clock);
    const auto held = leases.keys_of(".lease"), taken = leases.keys_of(".taken");
    for (const auto* keys : {&held, &taken})
        if (!*keys) return keys->error();
    for (const std::string& key : *held)
        if (auto read = leases.read(key, ".lease"); !read) return read.error();
    leases.held_ = leases.offered_;
    leases.held_ends_ = leases.ends_;
    for (const std::string& key : *taken) leases.read_taken(key);
    leases.take_up();
    return leases;
}

topology::Result<std::set<std::string>> LeaseFolder::keys_of(const char* ending) const {
    std::set<std::string> keys;
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator(folder_, failed)) {
        const std::string name = entry.path().filename();
        if (name.ends_with(ending)) keys.insert(name.substr(0, name.size() - std::strlen(ending)));
    }
    if (failed) return Error{Fault::backend, folder_, failed.message()};
    return keys;
}

void LeaseFolder::hear() {
    char heard[4096];
    bool has_news = false;
    while (::read(watch_.number(), heard, sizeof heard) > 0) has_news = true;
    const auto first = next();
    has_moved_ = has_moved_ || has_news;
    if (has_news || (first && *first <= clock_->boottime())) take_up();
}

std::optional<std::chrono::nanoseconds> LeaseFolder::next() const {
    std::optional<std::chrono::nanoseconds> first = read_again_;
    for (const auto& [key, end] : ends_) first = first ? std::min(*first, end) : end;
    for (const std::string& key : news())
        if (const auto end = held_ends_.find(key); end != held_ends_.end() && offered_.contains(key)) first = first ? std::min(*first, end->second) : end->second;
    return first;
}

bool LeaseFolder::is_over(const Ends& ends, const std::string& key) const {
    const auto end = ends.find(key);
    return end != ends.end() && end->second <= clock_->boottime();
}

topology::Result<> LeaseFolder::read(const std::string& key, const char* ending) {
    const auto text = store::read_file(path(key, ending));
    if (!text && text.error().fault != Fault::not_found) return text.error();
    offered_.erase(key);
    ends_.erase(key);
    const auto lease = text ? read_lease(*text) : std::nullopt;
    if (!lease) return {};
    offered_.insert_or_assign(key, *lease);
    if (const auto end = end_of_lease(*text)) ends_.insert_or_assign(key, *end);
    return {};
}

// One that can't be read is not one that has ended.
void LeaseFolder::read_taken(const std::string& key) {
    const auto read = this->read(key, ".taken");
    if (read) {
        unread_.erase(key);
        return;
    }
    if (unread_.insert(key).second) log::warn("{} {}: it is tried again", read.error().subject, read.error().what);
    read_again_ = clock_->boottime() + before_next_try;
    offer_what_is_held(key);
}

void LeaseFolder::offer_what_is_held(const std::string& key) {
    offered_.erase(key);
    ends_.erase(key);
    if (const auto held = held_.find(key); held != held_.end()) offered_.insert(*held);
    if (const auto end = held_ends_.find(key); end != held_ends_.end()) ends_.insert(*end);
}

void LeaseFolder::take_up() {
    lower::Leases before = offered_;
    read_again_.reset();
    std::set<std::string> brought = unread_;
    const auto come = keys_of(".new");
    if (!come) read_again_ = clock_->boottime() + before_next_try;
    for (const std::string& key : come ? *come : std::set<std::string>())
        if (::rename(path(key, ".new").c_str(), path(key, ".taken").c_str()) == 0) brought.insert(key);
    for (const std::string& key : brought) {
        read_taken(key);
        if (!offered_.contains(key)) before.erase(key);  // the client has none at all
    }
    const auto now = clock_->boottime();
    std::erase_if(ends_, [&](const auto& entry) { return entry.second <= now && offered_.erase(entry.first) > 0; });
    for (const auto& [key, lease] : before) offer_held(key, lease);
    // What only lasts longer is no news.
    auto same = keys_of(".taken");
    if (!same) return;
    for (const auto& others : {news(), unread_})
        for (const std::string& key : others) same->erase(key);
    settle(*same);
}

// What was never taken may be over, and the one that is held not.
void LeaseFolder::offer_held(const std::string& key, const lower::Lease& was_offered) {
    const auto held = held_.find(key);
    if (offered_.contains(key) || held == held_.end() || held->second == was_offered || is_over(held_ends_, key)) return;
    ::unlink(path(key, ".taken").c_str());
    offer_what_is_held(key);
}

std::set<std::string> LeaseFolder::news() const {
    std::set<std::string> keys;
    for (const auto& [one, other] : {std::pair{&held_, &offered_}, std::pair{&offered_, &held_}})
        for (const auto& [key, lease] : *one)
            if (const auto found = other->find(key); found == other->end() || !(found->second == lease)) keys.insert(key);
    return keys;
}

void LeaseFolder::settle(const std::set<std::string>& keys) {
    for (const std::string& key : keys) {
        const auto found = offered_.find(key);
        if (found != offered_.end()) {
            ::rename(path(key, ".taken").c_str(), path(key, ".lease").c_str());
            held_.insert_or_assign(key, found->second);
            held_ends_.erase(key);
            if (const auto end = ends_.find(key); end != ends_.end()) held_ends_.insert(*end);
            continue;
        }
        let_go(key);
    }
}

// What is in KEY.taken is empty, over, or was offered beside the one that is let go.
void LeaseFolder::let_go(const std::string& key) {
    ::unlink(path(key, ".lease").c_str());
    held_.erase(key);
    held_ends_.erase(key);
    read_taken(key);
    if (is_over(ends_, key)) {
        offered_.erase(key);
        ends_.erase(key);
    }
    if (!offered_.contains(key) && !unread_.contains(key)) ::unlink(path(key, ".taken").c_str());
}

bool LeaseFolder::end_held() {
    bool have_ended = false;
    for (const std::string& key : news()) {
        if (!is_over(held_ends_, key) || offered_.erase(key) == 0) continue;
        ends_.erase(key);
        have_ended = true;
    }
    return have_ended;
}

void LeaseFolder::keep_only(const std::set<std::string>& keys) {
    for (auto* leases : {&held_, &offered_}) std::erase_if(*leases, [&](const auto& entry) { return !keys.contains(entry.first); });
    for (auto* ends : {&ends_, &held_ends_}) std::erase_if(*ends, [&](const auto& entry) { return !keys.contains(entry.first); });
    std::erase_if(unread_, [&](const std::string& key) { return !keys.contains(key); });
    if (!std::exchange(has_moved_, false) && kept_ == keys) return;  // the folder is as it was left
    kept_ = keys;
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator(folder_, failed)) {
        const std::string name = entry.path().filename();
        for (const std::string_view ending : {".lease", ".taken", ".new", ".new~"})
            if (name.ends_with(ending) && !keys.contains(name.substr(0, name.size() - ending.size()))) ::unlink(entry.path().c_str());
    }
    has_moved_ = bool(failed);  // then it is looked at again
}

}  // namespace netd
