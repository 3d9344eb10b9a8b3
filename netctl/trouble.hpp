// What went wrong, as a value: how the command shall end, and what the operator is told about it.
#pragma once

#include "netctl/exit.hpp"

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace netctl {

// One fault of a request, as netd reports it; `path` is a JSON pointer into what was sent. `line` of the file, where it
// could not be read and so has no Source that would tell.
struct Complaint {
    std::string path = {};
    std::string fault = {};
    std::string what = {};
    int line = 0;
    bool operator==(const Complaint&) const = default;
};

struct Trouble {
    Exit exit = Exit::failed;
    std::string what = {};
    std::string next = {};  // what to try; may be empty
    int code = 0;           // netd's own number, 0 where it did not come so far
    std::vector<Complaint> complaints = {};
    bool operator==(const Trouble&) const = default;
};

// Where a request was read from, so that a complaint can point into the file. Lines go by JSON pointer.
struct Source {
    std::string name = {};
    std::map<std::string, int> lines = {};
};

// What kind of request netd said no to: the same code means "no such file" of one and "your file is wrong" of another.
enum class Asked { reading, planning, setting_up, plugging };

// The "error" member of netd's answer; tolerates any shape.
Trouble read_trouble(const nlohmann::json& error, Asked asked);

// `network "web": VLAN 100 is taken (networks/web/vlan in web.yaml, line 7) · try: netctl networks`, one for each fault.
std::vector<std::string> explain(const Trouble& trouble, const Source& source = {});

// The same for machines: {"error": {exit, code, message, complaints[]}}.
nlohmann::json document(const Trouble& trouble);

}  // namespace netctl
