// DHCP clients: one dhcpcd a device and family, which obtains the lease and touches nothing; netd sets what it brings.
//
// They are processes of their own that outlive netd: what runs stands in the folder of the leases, and is found again.
#pragma once

#include "netd/daemon/lease_folder.hpp"
#include "netd/loop/clock.hpp"
#include "netd/loop/fd.hpp"
#include "netd/loop/pause.hpp"
#include "netd/lower/leases.hpp"
#include "topology/result.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace netd {

class DhcpClients {
public:
    // The program is installed.
    static bool are_to_be_had();

    // `folder` is made; what runs from an earlier netd is taken up.
    static topology::Result<DhcpClients> open(const std::string& folder, const loop::Clock& clock);

    LeaseFolder& leases() { return leases_; }
    const LeaseFolder& leases() const { return leases_; }

    // Ends those that are not wanted, starts those that are; one that died is started again, later each time it does. Never
    // waits. Why one could not be started is in trouble().
    void sync(const lower::Clients& wanted);
    // The first of it alone.
    void end_others(const lower::Clients& wanted);

    // One has died that sync() has not seen to, or it is time to start one again.
    bool has_work() const;
    // When there is, if by time alone.
    std::optional<std::chrono::nanoseconds> next() const;
    // Readable when news have come or a client has died.
    std::vector<int> descriptors() const;
    const std::string& trouble() const { return trouble_; }

private:
    struct Running {
        lower::Client client;
        pid_t pid = 0;
        loop::Fd process;  // a pidfd: readable when it is dead
        std::chrono::nanoseconds started{};
    };
    struct Failing {
        std::chrono::nanoseconds again{};
        loop::Pause pause{std::chrono::seconds(1), std::chrono::seconds(60)};
    };

    DhcpClients(LeaseFolder leases, const loop::Clock& clock) : leases_(std::move(leases)), clock_(&clock) {}
    topology::Result<> take_up();
    void bury();
    void note_failure(const std::string& key, std::chrono::nanoseconds lived);
    bool is_taken(const topology::IfName& device) const;
    void start(const lower::Client& client);

    LeaseFolder leases_;
    const loop::Clock* clock_;
    std::map<std::string, Running> running_;
    std::vector<Running> ending_;
    std::map<std::string, Failing> failing_;
    std::string trouble_;
};

// What dhcpcd is told. It names itself by nothing but its MAC (IPv4): so a bridge is given its NIC's lease. Pure.
std::string client_settings(const lower::Client& client, const std::string& news_file);

}  // namespace netd
