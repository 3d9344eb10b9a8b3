// Keeps the flows of netd's bridges, the one by which they forward and those that filter guests' ports: as soon as ovs-vswitchd can be
// spoken to they are those that are wanted, whoever restarted it or changed them.
#pragma once

#include "ovs-driver/filtered.hpp"
#include "ovs-driver/openflow.hpp"
#include "ovs-driver/switch.hpp"
#include "ovs-driver/settling.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

namespace ovs {

class FlowKeeper {
public:
    using Clock = std::chrono::steady_clock;

    // Where ovs-vswitchd has its bridges' management sockets: "/run/openvswitch".
    explicit FlowKeeper(std::string folder) : folder_(std::move(folder)) {}

    // Puts up the flows of ports that are about to come; they stay until settle(). Fault::backend or timeout: they are not up,
    // and the ports must not come. settle() says whether ovs-vswitchd is known to have done what the rows say.
    topology::Result<> prepare(const topology::IfName& bridge, const FilteredPorts& ports, Clock::time_point deadline);
    void settle(bool applied);

    // What shall be from now on; of bridges that are gone nothing is kept. A port's row goes before ovs-vswitchd lets go of the
    // port, so its flows stay for a while, or until settle().
    void follow(FilteredBridges wanted, const State& state);

    // Writes a port's flows once more, when run() is called. ovs-vswitchd goes through all that it has cached then, which it does not
    // when a mirror comes, changes or goes: copies would be made, or not, as before for whoever goes on talking.
    void write_again(const topology::IfName& port);

    // Has a bridge forget who is behind which port, once run() has seen to it that its flows are those that are wanted. It does by itself where
    // they may have been missing, and keep a guest to its own MAC.
    void unlearn(const topology::IfName& bridge);

    // Once, whatever is wanted of it: an earlier netd may have left flows there.
    void look_after(const topology::IfName& bridge);

    // Takes in what the bridges told, and does what is due. Waits for nobody longer than a moment.
    void run();
    // Since the last question: the bridges whose flows somebody changed, each with those of its ports that are filtered again.
    Restored take_restored() { return std::exchange(restored_, {}); }
    // Registers with OVS' poll loop.
    void wait();
    // A bridge of netd's has been without ovs-vswitchd for a second.
    bool is_silent() const;

private:
    struct Bridge {
        std::unique_ptr<OpenFlow> connection = {};
        FilteredPorts wanted = {}, prepared = {}, leaving = {}, installed = {};
        std::set<std::uint16_t> again = {};  // ports whose flows are to be written once more
        Clock::time_point left = {};       // when the last of those leaving did
        bool whole = true;                 // nothing is known of what is installed
        bool is_due = true;                // what shall be there may be another than what is installed
        bool forwards = false;             // it is netd's own
        bool disturbed = false;            // somebody else changed what is installed
        bool repairs = false;              // and that is being undone, which is still to be told
        bool is_taught = false;            // it may have learned what it is to forget
        std::unique_ptr<Settling> unlearning = {};
        std::vector<std::string> intruders = {};  // flows of others that are to go, while there is no connection
        bool has_meters = true;            // until the datapath says that it has none
        std::uint8_t generation = 0;
        Clock::time_point next_try = {};   // to connect
        Clock::time_point next_repair = {};  // of what others did: at once, and later the more often it is needed
        std::chrono::milliseconds pause{0};
        unsigned tries = 0;                // writings in a row that were not done in time: the next has longer
        Clock::time_point late_since = {};     // it has not done what it was told
        Clock::time_point unheard_since = {};  // it has not even greeted: one that is slow does

        bool is_idle() const { return wanted.empty() && prepared.empty() && leaving.empty(); }
    };

    FilteredPorts due(const Bridge& bridge) const;
    void work(const topology::IfName& name, Bridge& bridge);
    void go_on_unlearning(const topology::IfName& name, Bridge& bridge);
    static bool begins_repair(Bridge& bridge, Clock::time_point now);
    topology::Result<> connect(const topology::IfName& name, Bridge& bridge);
    topology::Result<> bring_about(Bridge& bridge, Clock::time_point deadline);
    topology::Result<> add_meters(Bridge& bridge, const FilteredPorts& want, Clock::time_point deadline);
    topology::Result<> remove_meters(Bridge& bridge, const FilteredPorts& want, Clock::time_point deadline);
    void lose(Bridge& bridge);

    std::string folder_;
    std::map<topology::IfName, Bridge> bridges_;
    Restored restored_;
};

}  // namespace ovs
