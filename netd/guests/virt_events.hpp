// libvirt's own loop, and what it hears: only hints to look again.
#pragma once

#include "netd/guests/virt_handles.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace guests {

// Once in a process, before the first connection is opened: libvirt wants a thread that turns its loop. It lives as long as
// the process and owns nothing. Error: no thread is to be had; then it may be tried again.
topology::Result<> start_virt_loop();

// What to do when a domain has changed, when a network is not offered any more, and when the connection is gone. Called on libvirt's thread.
struct Hints {
    std::function<void(const std::string& domain)> changed;
    std::function<void(const std::string& network)> withdrawn;
    std::function<void()> lost;
};

// Hears what is told over a connection as long as it lives, which ends before that: libvirt keeps a closed connection, and its socket,
// for callbacks that are still registered.
class Ear {
public:
    static topology::Result<std::unique_ptr<Ear>> open(virConnect* connection, const Hints& hints);
    ~Ear();
    Ear(const Ear&) = delete;
    Ear& operator=(const Ear&) = delete;

private:
    explicit Ear(virConnect* connection) : connection_(connection) {}
    topology::Result<> listen(const Hints& hints);

    virConnect* connection_;
    std::vector<int> events_ = {};
    std::optional<int> of_networks_ = {};
    bool hears_the_end_ = false;
};

}  // namespace guests
