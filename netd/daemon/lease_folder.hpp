// Leases on disk, for as long as the machine runs: what the host is made by, and what has come since.
//
// KEY.lease is what the host is made by; KEY.new is news that the hook left, taken up as KEY.taken until the host is made by
// it. So a netd that starts knows what the one before it had set, and what came while there was none.
#pragma once

#include "netd/loop/clock.hpp"
#include "netd/loop/fd.hpp"
#include "netd/lower/leases.hpp"
#include "topology/result.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace netd {

class LeaseFolder {
public:
    static topology::Result<LeaseFolder> open(const std::string& folder, const loop::Clock& clock);

    // What the host is made by, and what it is to be made by; the same, but between hear() and settle().
    const lower::Leases& held() const { return held_; }
    const lower::Leases& offered() const { return offered_; }
    bool has_offers() const { return !(held_ == offered_); }

    // Takes up news, if there are any, and lets go of what has ended.
    void hear();
    // When the first of them ends: of those that are offered, and of those that are held while something else is offered. Or when
    // what could not be read is tried again.
    std::optional<std::chrono::nanoseconds> next() const;
    // Of which something else is offered than is held.
    std::set<std::string> news() const;
    // The host is made by what is offered: all of it, or of these keys.
    void settle() { settle(news()); }
    void settle(const std::set<std::string>& keys);
    // Call it once what is offered was tried. Where another one than the held is, and the held one's time is over, none is offered
    // until that is settled; then the other one is again. True if there are such.
    bool end_held();
    // Those of others are forgotten.
    void keep_only(const std::set<std::string>& keys);

    // Where a client's hook leaves its news.
    std::string news_file(const std::string& key) const { return path(key, ".new"); }
    std::string path(const std::string& key, const char* ending) const { return folder_ + "/" + key + ending; }
    topology::Result<std::set<std::string>> keys_of(const char* ending) const;
    int descriptor() const { return watch_.number(); }  // readable when there are news

private:
    LeaseFolder(std::string folder, loop::Fd watch, const loop::Clock& clock) : folder_(std::move(folder)), watch_(std::move(watch)), clock_(&clock) {}
    using Ends = std::map<std::string, std::chrono::nanoseconds>;
    topology::Result<> read(const std::string& key, const char* ending);
    void read_taken(const std::string& key);
    void take_up();
    void offer_what_is_held(const std::string& key);
    void offer_held(const std::string& key, const lower::Lease& was_offered);
    void let_go(const std::string& key);
    bool is_over(const Ends& ends, const std::string& key) const;

    std::string folder_;
    loop::Fd watch_;  // inotify
    bool has_moved_ = true;        // something, since the folder was last cleared
    std::set<std::string> kept_;   // what was left in it then
    const loop::Clock* clock_;
    lower::Leases held_, offered_;
    Ends ends_, held_ends_;  // of the offered, and of the held
    std::set<std::string> unread_;  // what has come of these can't be read just now: until it is, what is held is offered
    std::optional<std::chrono::nanoseconds> read_again_ = {};  // those, or the folder
};

}  // namespace netd
