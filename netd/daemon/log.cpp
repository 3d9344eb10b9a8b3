// sd-daemon's "<N>" prefix is understood by the journal and harmless elsewhere.
#include "netd/daemon/log.hpp"

#include "topology/names.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

namespace netd::log {

void write(int level, std::string_view line) {
    static const bool journal = std::getenv("JOURNAL_STREAM") != nullptr;
    const std::string text = topology::escaped(line);
    if (journal) std::fprintf(stderr, "<%d>%s\n", level, text.c_str());
    else std::fprintf(stderr, "netd: %s\n", text.c_str());
}

std::string some_of(std::vector<std::string> names) {
    constexpr std::size_t most = 12;
    const std::size_t more = names.size() > most ? names.size() - most : 0;
    names.resize(names.size() - more);
    return fmt::format("{}{}", fmt::join(names, ", "), more > 0 ? fmt::format(" and {} more", more) : "");
}

}  // namespace netd::log
