// What applying has in common, whether a person or a program says if it is good.
#pragma once

#include "netctl/read_file.hpp"
#include "netctl/verbs.hpp"

namespace netctl {

// The command line has the last word over the options of the file.
void set_fate(Definitions& definitions, const std::optional<bool>& commit, const std::optional<milliseconds>& confirm_within);

// What the file says of how it is applied, as loosely as netd reads it.
bool option(const Definitions& definitions, const char* name, bool otherwise);

// The next line that is typed; anything but a yes is a no.
bool person_says_yes();

// What is sent, and what netd would do for it.
struct Planned {
    Definitions definitions = {};
    nlohmann::json plan = {};
};

Answer ask_plan(const Definitions& definitions, Session& session);

// Shows the end of a change that succeeded; one that was to be committed and could not be is a failure all the same.
Exit report_success(const nlohmann::json& result, const Planned& planned, Session& session);

}  // namespace netctl
