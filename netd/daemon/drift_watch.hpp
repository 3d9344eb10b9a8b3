// Holds the host against its definitions after each change that is heard of: tells what differs, and has it put right.
#pragma once

#include "netd/daemon/options.hpp"
#include "netd/loop/mailbox.hpp"
#include "netd/loop/timer.hpp"
#include "netd/observe/carriers.hpp"
#include "netd/observe/drift_news.hpp"
#include "netd/observe/mending.hpp"
#include "netd/serve/commands.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <memory>

namespace netd {

// Lives on the loop's thread; the mending itself is the reconciler's, by mailbox.
class DriftWatch {
public:
    using Tell = std::function<void(const char* topic, nlohmann::json event)>;

    static topology::Result<std::unique_ptr<DriftWatch>> open(loop::EventLoop& loop, const loop::Clock& clock, const Options& options, Tell tell,
                                                              loop::Mailbox<serve::Command>& commands);

    // The snapshot that holds from now on. Many at once are one look; the last of them sets off none before that has been.
    void on_snapshot(observe::Published next);
    void on_mended(const serve::Mended& mended);

    // What Host.getStatus says of it: how drift is dealt with, what is contested, which networks are down.
    void add_status(nlohmann::json& status) const;

private:
    DriftWatch(const loop::Clock& clock, const Options& options, Tell tell, loop::Mailbox<serve::Command>& commands);
    void look();
    void look_soon();
    void tell_drift(observe::Drift now);
    void mend();
    void tell_each(const char* topic, const observe::Drift::Deviations& all);

    const loop::Clock& clock_;
    const bool repairs_;
    Tell tell_;
    loop::Mailbox<serve::Command>& commands_;
    std::unique_ptr<loop::Timer> soon_, later_;
    observe::Published snapshot_;
    observe::Drift drift_;
    observe::DriftNews news_;
    observe::LeftOut left_out_;
    observe::Mending mending_;
    observe::Carriers carriers_;
};

}  // namespace netd
