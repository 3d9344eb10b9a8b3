// Straight into the answer's bytes: a thousand networks are three thousand objects, which as values take longer than the counters do.
#include "netd/wire/write_statistics.hpp"

#include <fmt/compile.h>

#include <iterator>

namespace wire {
namespace {

void write_counts(std::string& text, const char* called, const std::map<std::string, std::uint64_t>& counts) {
    fmt::format_to(std::back_inserter(text), R"("{}":{{)", called);
    for (const auto& [of, count] : counts) fmt::format_to(std::back_inserter(text), R"({}"{}":{})", text.back() == '{' ? "" : ",", of, count);
    text += "},";
}

void write_blocked(std::string& text, const std::map<std::string, std::uint64_t>& blocked) {
    std::uint64_t frames = 0;
    for (const auto& [reason, count] : blocked) frames += count;
    fmt::format_to(std::back_inserter(text), R"("blocked":{},)", frames);
    write_counts(text, "blockedBy", blocked);
}

}  // namespace

std::string write_statistics(const observe::Statistics& statistics, std::chrono::nanoseconds sampled) {
    const std::string time = fmt::format("{}", std::chrono::duration<double>(sampled).count());
    std::string text = R"({"network":{)", name;
    for (const auto& [device, of] : statistics) {
        name.clear();
        append_quoted(name, device);
        if (text.back() != '{') text += ',';
        text.append(name).append(":{");
        if (of.blocked) write_blocked(text, *of.blocked);
        if (!of.strays.empty()) write_counts(text, "strays", of.strays);
        fmt::format_to(std::back_inserter(text),
                       FMT_COMPILE(R"("duplex":"{}","ifindex":{},"multicast":{},"name":{},"rx":{},"rxDropped":{},"rxErrors":{},"rxPackets":{},"sampleTime":{},)"
                                   R"("speed":{},"state":"{}","tx":{},"txDropped":{},"txErrors":{},"txPackets":{}}})"),
                       of.duplex, of.index, of.multicast, name, of.rx, of.rx_dropped, of.rx_errors, of.rx_packets, time, of.speed, of.state, of.tx, of.tx_dropped,
                       of.tx_errors, of.tx_packets);
    }
    return text + "}}";
}

}  // namespace wire
