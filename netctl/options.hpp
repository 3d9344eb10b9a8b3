// What the administrator asked for, as values; one struct for each verb.
#pragma once

#include "netctl/connection.hpp"
#include "netctl/exit.hpp"
#include "netctl/screen.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace netctl {

struct Apply {
    std::string file = {};
    bool yes = false;
    bool dry_run = false;
    std::optional<bool> commit = {};  // none: as the file says
    std::optional<milliseconds> confirm_within = {};
};
struct Plan { std::string file = {}; };
struct Try {
    std::string file = {};
    std::optional<bool> commit = {};
    std::optional<milliseconds> confirm_within = {};
    std::vector<std::string> command = {};
};
struct Confirm {};
struct Rollback {};
struct Commit {};
struct Diff {};
struct Defined {
    bool committed = false;
    std::string kind = {};  // of switch; "": of all
};
struct Status {};
struct Networks { std::string name = {}; };
struct Links { std::string name = {}; };
struct Lldp { std::string link = {}; };
struct Vm { std::string id = {}; };
struct Why { std::string name = {}; };
struct Plug {
    std::string vm = {};
    std::string network = {};
    std::string mac = {}, kind = "tap", ifname = {}, filter = {}, trunk = {};
    std::vector<std::string> addresses = {};
    std::optional<int> vlan = {}, mtu = {}, queues = {};
    bool cable_out = false;
    bool isolated = false;
};
struct Unplug {
    std::string vm = {};
    std::string mac = {};
};
enum class Picture { tree, dot, svg, mermaid };
struct Topology {
    Picture picture = Picture::tree;
    std::string network = {}, guest = {};
    bool only_problems = false;
    bool unfolded = false;
    bool ascii = false;
};
struct Events {
    bool follow = false;
    std::uint32_t count = 1;  // without follow
    std::string topic = {};   // its beginning
};
struct Version {};
struct Completion { std::string shell = {}; };
struct Names { std::string what = {}; };  // for the completion

using Verb = std::variant<Apply, Plan, Try, Confirm, Rollback, Commit, Diff, Defined, Status, Networks, Links, Lldp, Vm, Why, Plug, Unplug, Topology,
                          Events, Version, Completion, Names>;

struct Invocation {
    Verb verb = Version{};
    bool json = false;
    bool quiet = false;
    ColorChoice color = ColorChoice::automatic;
    std::optional<milliseconds> timeout = {};
    Endpoints endpoints = {};
};

// An ending instead, where there is nothing left to do: help was shown, or the line can't be understood and that was said.
std::variant<Invocation, Exit> read_options(int count, const char* const* words);

}  // namespace netctl
