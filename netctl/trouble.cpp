// Turns netd's numbers into endings of a command, and JSON pointers into words.
#include "netctl/trouble.hpp"

#include "netctl/answer.hpp"
#include "netctl/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace netctl {

namespace {

using nlohmann::json;

// protocol.md 5.5.
namespace code {
constexpr int lost_connection = 10, first_rejection = 21, refused = 29, last_rejection = 31, no_ovs = 32, busy = 40,
              forbidden = 403, invalid_params = -32602, unknown_method = -32601, not_json = -32700;
}

// What can't even be read is told by its place in the whole request, of which nobody but netctl has seen more than params.
Complaint read_complaint(const json& from, int number) {
    Complaint complaint{text_at(from, "path"), text_at(from, "fault"), text_at(from, "what")};
    constexpr std::string_view params = "/params";
    if (number != code::not_json || !complaint.path.starts_with(params)) return complaint;
    complaint.path.erase(0, params.size());
    complaint.what = in_quotes(complaint.path.substr(complaint.path.rfind('/') + 1)) + " " + complaint.what;
    return complaint;
}

std::vector<Complaint> read_complaints(const json& data, int number) {
    std::vector<Complaint> complaints;
    for (const auto& one : data)
        if (one.is_object()) complaints.push_back(read_complaint(one, number));
    return complaints;
}

// The parts of an RFC 6901 pointer, unescaped.
std::vector<std::string> parts_of(std::string_view path) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at < path.size(); ++at) {
        if (path[at] == '/') parts.emplace_back();
        else if (parts.empty()) return {};
        else if (path[at] == '~' && at + 1 < path.size()) parts.back() += path[++at] == '1' ? '/' : '~';
        else parts.back() += path[at];
    }
    return parts;
}

// What of the request a pointer is about, as the operator calls it; empty if it is about the whole.
std::string subject_of(std::string_view path) {
    const auto parts = parts_of(path);
    if (parts.size() < 2) return {};
    if (parts[0] == "networks") return "network " + in_quotes(parts[1]);
    if (parts[0] == "bondings") return "bond " + in_quotes(parts[1]);
    if (parts[0] == "options") return "option " + in_quotes(parts[1]);
    return {};
}

std::string place_of(const Complaint& complaint, const Source& source) {
    const auto known_line = complaint.line == 0 ? "" : fmt::format(", line {}", complaint.line);
    if (complaint.path.empty()) return source.name.empty() ? "" : fmt::format(" (in {}{})", printable(source.name), known_line);
    const auto path = printable(complaint.path.substr(1));
    if (source.name.empty()) return fmt::format(" ({})", path);
    // The file may lack what the complaint misses: then its container is the nearest place that has a line.
    std::string at = complaint.path;
    while (!at.empty() && !source.lines.contains(at)) at.resize(at.rfind('/') == at.npos ? 0 : at.rfind('/'));
    const auto line = at.empty() ? known_line : fmt::format(", line {}", source.lines.at(at));
    return fmt::format(" ({} in {}{})", path, printable(source.name), line);
}

bool all_not_found(const std::vector<Complaint>& complaints) {
    return !complaints.empty() &&
           std::all_of(complaints.begin(), complaints.end(), [](const auto& one) { return one.fault == "not_found"; });
}

bool is_about_what_was_sent(const Complaint& complaint) { return !complaint.path.empty(); }

// The same code is given to a change that was refused before it began and to one that was tried; the message tells, and of
// one that was tried no complaint is about a part of what was sent.
Exit ending(int number, Asked asked, const Trouble& trouble) {
    const auto& complaints = trouble.complaints;
    if (number == code::forbidden) return Exit::denied;
    if (trouble.what.starts_with("degraded:")) return Exit::failed;
    if (trouble.what.starts_with("rolled back:")) return Exit::rolled_back;
    const bool about_one_thing = asked == Asked::reading || asked == Asked::plugging;
    if (about_one_thing && all_not_found(complaints)) return Exit::not_found;
    if (!complaints.empty() && complaints.front().fault == "timeout") return Exit::timeout;
    const bool about_what_was_sent = std::any_of(complaints.begin(), complaints.end(), is_about_what_was_sent);
    if (number > 0 && (about_what_was_sent || (asked == Asked::setting_up && !complaints.empty()))) return Exit::rejected;
    if (number == code::refused) return Exit::failed;
    if (number == code::busy || number == code::invalid_params || number == code::not_json) return Exit::rejected;
    if (number >= code::first_rejection && number <= code::last_rejection) return Exit::rejected;
    return Exit::failed;
}

// One that is about a file of several kinds of switch has its own way on.
constexpr std::string_view one_kind = "send one request a kind";
constexpr const char* a_kind_alone = R"(jq '.networks |= with_entries(select((.value.switch // "legacy") == "KIND"))' FILE | netctl apply --yes -f -, for each KIND; of what runs: netctl definitions --switch KIND)";

std::string advice_of_plugging(const std::vector<Complaint>& complaints) {
    const auto path = complaints.empty() ? "" : complaints.front().path;
    if (path == "/nic/network" || path == "/network") return "netctl networks";
    return path == "/vmId" || path == "/nic/kind" ? "" : "netctl vm";  // NICs tell nothing of a guest that is not there
}

std::string advice(int number, Asked asked, const std::vector<Complaint>& complaints) {
    const bool has_kinds = std::any_of(complaints.begin(), complaints.end(), [](const auto& one) { return one.what.ends_with(one_kind); });
    if (has_kinds) return a_kind_alone;
    // A value that is none is so whatever else is there.
    const bool only_invalid = !complaints.empty() && std::all_of(complaints.begin(), complaints.end(), [](const auto& one) { return one.fault == "invalid"; });
    if (only_invalid && number > 0 && asked != Asked::reading) return {};
    switch (number) {
        case code::lost_connection: return "netctl status";
        case 22: case 26: case 27: return "netctl networks";
        case 23: case 24: case 25: case code::last_rejection: return "netctl links";
        case code::no_ovs: return "netctl status";
        case code::busy: return "the same again in a moment";
        case code::forbidden: return "sudo netctl, or join the group netd-admin";
        case code::unknown_method: return "netctl version";
        case 21: return asked == Asked::plugging ? "netctl vm" : "netctl networks";
        case 49: case 50: case 51: case 56: return advice_of_plugging(complaints);
        default: return {};
    }
}

}  // namespace

Trouble read_trouble(const json& error, Asked asked) {
    if (!error.is_object()) return {Exit::failed, "netd answered with an error that is none", "netctl version"};
    Trouble trouble;
    if (const auto code = error.find("code"); code != error.end() && code->is_number_integer()) trouble.code = code->get<int>();
    trouble.what = text_at(error, "message");
    if (trouble.what.empty()) trouble.what = "netd said no, and not why";
    trouble.complaints = read_complaints(array_at(error, "data"), trouble.code);
    trouble.exit = ending(trouble.code, asked, trouble);
    trouble.next = advice(trouble.code, asked, trouble.complaints);
    return trouble;
}

std::vector<std::string> explain(const Trouble& trouble, const Source& source) {
    const auto next = trouble.next.empty() ? "" : " · try: " + trouble.next;
    if (trouble.complaints.empty()) return {printable(trouble.what) + next};
    std::vector<std::string> lines;
    for (const auto& complaint : trouble.complaints) {
        // Not about a part of what was sent, but about what became of it: that is in the message.
        if (complaint.path.empty() && trouble.code != 0) {
            lines.push_back(printable(trouble.what));
            continue;
        }
        auto subject = subject_of(complaint.path);
        if (!subject.empty()) subject += ": ";
        const auto& what = complaint.what.empty() ? trouble.what : complaint.what;
        lines.push_back(subject + printable(what) + place_of(complaint, source));
    }
    lines.back() += next;
    return lines;
}

json document(const Trouble& trouble) {
    json complaints = json::array();
    for (const auto& one : trouble.complaints)
        complaints.push_back({{"path", one.path}, {"fault", one.fault}, {"what", one.what}});
    return {{"error",
             {{"exit", number(trouble.exit)}, {"code", trouble.code}, {"message", trouble.what}, {"complaints", std::move(complaints)}}}};
}

}  // namespace netctl
