// The deeds: each verb asks netd, shows what came back, and says how it ended.
#pragma once

#include "netctl/connection.hpp"
#include "netctl/options.hpp"
#include "netctl/screen.hpp"

namespace netctl {

struct Session {
    Connections& netd;
    Screen& screen;
    milliseconds patience;  // for an answer that takes no work
};

Exit run(const Apply& wish, Session& session);
Exit run(const Plan& wish, Session& session);
Exit run(const Try& wish, Session& session);
Exit run(const Confirm& wish, Session& session);
Exit run(const Rollback& wish, Session& session);
Exit run(const Commit& wish, Session& session);
Exit run(const Diff& wish, Session& session);
Exit run(const Defined& wish, Session& session);
Exit run(const Status& wish, Session& session);
Exit run(const Networks& wish, Session& session);
Exit run(const Links& wish, Session& session);
Exit run(const Lldp& wish, Session& session);
Exit run(const Vm& wish, Session& session);
Exit run(const Why& wish, Session& session);
Exit run(const Plug& wish, Session& session);
Exit run(const Unplug& wish, Session& session);
Exit run(const Topology& wish, Session& session);
Exit run(const Events& wish, Session& session);
Exit run(const Version& wish, Session& session);
Exit run(const Completion& wish, Session& session);
Exit run(const Names& wish, Session& session);

}  // namespace netctl
