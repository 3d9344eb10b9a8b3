// The arrows of the house, held against every #include that there is: who may know of whom.
#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace layers_test {

namespace {

namespace fs = std::filesystem;

const std::vector<std::string> netd_order{"intent", "loop", "guests", "lower", "plan", "observe", "wire", "store", "apply", "serve", "daemon"};

const std::map<std::string, std::set<std::string>> may_include{
    {"topology", {"topology"}},
    {"bridges", {"bridges", "topology"}},
    {"ovs-driver", {"ovs-driver", "topology"}},
    {"netd", {"netd", "bridges", "ovs-driver", "topology"}},
    {"netctl", {"netctl", "topology", "netd"}},
};

struct Include {
    std::string file, target;
    bool quoted;
};

std::vector<Include> includes_of(const std::string& folder) {
    std::vector<Include> found;
    const fs::path root = NETD_SOURCE_DIR;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
        const auto extension = entry.path().extension();
        if (extension != ".hpp" && extension != ".cpp") continue;
        std::ifstream file(entry.path());
        for (std::string line; std::getline(file, line);) {
            if (!line.starts_with("#include ")) continue;
            const char close = line[9] == '"' ? '"' : '>';
            found.push_back({fs::relative(entry.path(), root).string(), line.substr(10, line.find(close, 10) - 10), line[9] == '"'});
        }
    }
    return found;
}

std::string first_part(const std::string& path) { return path.substr(0, path.find('/')); }
std::string second_part(const std::string& path) {
    const auto rest = path.substr(path.find('/') + 1);
    return rest.substr(0, rest.find('/'));
}

// The C++ library's own headers have neither folder nor ending.
bool is_foreign(const Include& include) { return !include.quoted && include.target.find_first_of("/.") != std::string::npos; }

bool wraps_a_library(const std::string& header) { return header.starts_with("bridges/nl_") || header == "ovs-driver/idl_handles.hpp" || header == "ovs-driver/flow_handles.hpp"; }

// Everything that comes along with a header of the house, itself included.
void gather(const std::string& header, std::map<std::string, std::vector<std::string>>& includes, std::set<std::string>& into) {
    if (!into.insert(header).second) return;
    for (const auto& target : includes[header]) gather(target, includes, into);
}

}  // namespace

TEST_CASE("no folder knows of one that it may not know of") {
    for (const auto& [folder, allowed] : may_include) {
        const auto includes = includes_of(folder);
        REQUIRE(includes.size() > 5);
        for (const auto& include : includes) {
            const std::string target = first_part(include.target);
            if (!include.quoted || !may_include.contains(target)) continue;
            INFO(include.file << " includes " << include.target);
            CHECK(allowed.contains(target));
        }
    }
}

TEST_CASE("inside netd a room knows only of those before it") {
    const auto rank = [](const std::string& room) { return std::find(netd_order.begin(), netd_order.end(), room) - netd_order.begin(); };
    for (const auto& include : includes_of("netd")) {
        if (!include.quoted || first_part(include.target) != "netd") continue;
        INFO(include.file << " includes " << include.target);
        REQUIRE(rank(second_part(include.file)) < static_cast<std::ptrdiff_t>(netd_order.size()));
        CHECK(rank(second_part(include.target)) <= rank(second_part(include.file)));
    }
}

TEST_CASE("docs/architecture.md says of each room in netd whom it includes") {
    std::map<std::string, std::set<std::string>> includes, told;
    for (const auto& room : netd_order) includes[room];
    for (const auto& include : includes_of("netd")) {
        const auto from = second_part(include.file), to = second_part(include.target);
        if (include.quoted && first_part(include.target) == "netd" && from != to) includes[from].insert(to);
    }
    std::ifstream file(fs::path(NETD_SOURCE_DIR) / "docs/architecture.md");
    for (std::string line; std::getline(file, line);) {
        const auto end = line.find("` | ", 3), last = line.rfind("| ", line.size() - 2);
        if (!line.starts_with("| `") || end == std::string::npos || !includes.contains(line.substr(3, end - 3))) continue;
        auto& rooms = told[line.substr(3, end - 3)];
        std::istringstream cell(line.substr(last + 2));
        for (std::string word; cell >> word;) {
            std::erase(word, ',');
            if (includes.contains(word)) rooms.insert(word);
        }
    }
    CHECK(told == includes);
}

TEST_CASE("netctl sees of netd only what is on the wire") {
    for (const auto& include : includes_of("netctl")) {
        if (!include.quoted || first_part(include.target) != "netd") continue;
        INFO(include.file << " includes " << include.target);
        CHECK(second_part(include.target) == "wire");
    }
}

TEST_CASE("a library's header stays in the folder that uses it") {
    const std::map<std::string, std::vector<std::string>> kept_to{
        {"netlink/", {"bridges"}}, {"linux/rtnetlink", {"bridges"}}, {"zmq", {"netd", "netctl"}}, {"ovsdb-idl.h", {"ovs-driver"}},
        {"vswitch-idl.h", {"ovs-driver"}}, {"CLI/", {"netctl"}}, {"yaml-cpp/", {"netctl"}}, {"nlohmann/", {"netd", "netctl"}},
        {"libvirt/", {"netd"}},         {"pugixml.hpp", {"netd"}}};
    for (const auto& [folder, allowed] : may_include)
        for (const auto& include : includes_of(folder))
            for (const auto& [library, folders] : kept_to) {
                if (!include.target.starts_with(library)) continue;
                INFO(include.file << " includes " << include.target);
                CHECK(std::find(folders.begin(), folders.end(), folder) != folders.end());
            }
}

TEST_CASE("what stands in quotes is a file of the house, named from its root") {
    for (const auto& [folder, allowed] : may_include)
        for (const auto& include : includes_of(folder)) {
            if (!include.quoted) continue;
            INFO(include.file << " includes " << include.target);
            CHECK(fs::exists(fs::path(NETD_SOURCE_DIR) / include.target));
        }
}

TEST_CASE("in topology and the drivers a header shows no library, unless it is there to wrap it") {
    for (const char* folder : {"topology", "bridges", "ovs-driver"})
        for (const auto& include : includes_of(folder)) {
            if (!include.file.ends_with(".hpp") || wraps_a_library(include.file)) continue;
            INFO(include.file << " includes " << include.target);
            CHECK_FALSE(is_foreign(include));
        }
}

TEST_CASE("what a folder includes of another brings no wrapped library along") {
    std::vector<Include> all;
    std::map<std::string, std::vector<std::string>> includes;
    for (const auto& [folder, allowed] : may_include)
        for (const auto& include : includes_of(folder)) {
            if (!include.quoted) continue;
            all.push_back(include);
            includes[include.file].push_back(include.target);
        }
    for (const auto& include : all) {
        if (first_part(include.file) == first_part(include.target)) continue;
        std::set<std::string> brought;
        gather(include.target, includes, brought);
        for (const auto& header : brought) {
            INFO(include.file << " includes " << include.target << ", which brings " << header);
            CHECK_FALSE(wraps_a_library(header));
        }
    }
}

}  // namespace layers_test
