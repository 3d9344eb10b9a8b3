// How netd is told where things are: a small JSON file, and options on the command line that win over it.
#pragma once

#include "netd/serve/curve.hpp"
#include "topology/names.hpp"
#include "topology/result.hpp"
#include "topology/services.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace netd {

// How engines elsewhere come in.
struct Remote {
    serve::CurveDoor control = {}, events = {};
    std::string engines = {};  // the folder of their public keys
};

struct Options {
    std::string control = "ipc:///run/netd/control";
    std::string events = "ipc:///run/netd/events";
    std::string state = "/var/lib/netd";
    std::string run = "/run/netd";
    std::string libvirt = {};  // empty: none; unless it is set, the host's where netd is at home in the host's network namespace
    std::string ovs = "unix:/var/run/openvswitch/db.sock";
    std::string resolver = "/etc/resolv.conf";
    std::optional<topology::IfName> management = {};  // a first start takes this NIC over as ovirtmgmt
    std::chrono::seconds management_timeout{120};    // unless it is confirmed within that time
    std::optional<Remote> remote = {};
    topology::Services services = topology::usual_services();  // what the host answers on networks of each role
    bool watchdog = true;
    bool repairs_drift = true;                       // false: it is told and left
    std::chrono::seconds carrier_grace{30};          // a network without carrier for longer is told to be down
    bool help = false, version = false;
};

// From the file (default /etc/netd/netd.json, which need not be there) and the command line. An error is a sentence.
topology::Result<Options> read_options(int count, char** words);

extern const char* const usage;

}  // namespace netd
