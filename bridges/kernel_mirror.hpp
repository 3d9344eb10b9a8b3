// The mirror with its sockets: how it is filled, how it is kept true, and what is asked when a report leaves a doubt.
#pragma once

#include "bridges/filter_table.hpp"
#include "bridges/kernel.hpp"
#include "bridges/mirror.hpp"
#include "bridges/nl_socket.hpp"

#include <cstddef>
#include <functional>
#include <vector>

namespace bridges {

class KernelMirror {
public:
    KernelMirror(RequestSocket requests, NotificationSocket notifications)
        : requests_(std::move(requests)), notifications_(std::move(notifications)) {}

    // `last` is called when all has been listed and nothing is published yet: it may take_filters() and take_host_rules().
    Result<> look(const std::function<Result<>(KernelMirror&)>& last = {});
    Result<Heard> hear();
    Result<> look_at(const std::set<int>& links);

    // These are the filters from now on; only what the news is about may be another.
    void take_filters(const FilterContent& content, const FilterTable::News& news);

    // Whether the host's rules stand from now on.
    void take_host_rules(bool stand);

    // Takes what waits, so that the socket does not overflow; publishes nothing.
    void drain();

    const State& state() const { return mirror_.state(); }
    // Whether a link of that index was there by the last report, published or not.
    bool knows(int link) const { return mirror_.knows(link); }
    int descriptor() const { return notifications_.descriptor(); }
    RequestSocket& requests() { return requests_; }

private:
    Result<> list(Mirror& into, const Message& question);
    std::vector<Result<std::vector<std::byte>>> list_rest();
    Result<> clear_doubts();

    RequestSocket requests_;
    NotificationSocket notifications_;
    Mirror mirror_{own_timers_of, has_fixed_mac};
    bool has_lost_ = false;  // notifications were lost since the last look, or a question was not answered
};

}  // namespace bridges
