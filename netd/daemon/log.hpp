// A line for the operator at night: to the journal where systemd reads us, to stderr else.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

namespace netd::log {

// `level` is syslog's: 3 error, 4 warning, 6 information.
void write(int level, std::string_view line);

template <class... Args> void error(fmt::format_string<Args...> format, Args&&... args) { write(3, fmt::format(format, std::forward<Args>(args)...)); }
template <class... Args> void warn(fmt::format_string<Args...> format, Args&&... args) { write(4, fmt::format(format, std::forward<Args>(args)...)); }
template <class... Args> void info(fmt::format_string<Args...> format, Args&&... args) { write(6, fmt::format(format, std::forward<Args>(args)...)); }

// Of many names the first twelve, and how many more there are.
std::string some_of(std::vector<std::string> names);

}  // namespace netd::log
