// A crash between the two writes leaves what was there twice, never not at all.
#include "netd/daemon/resolver_file.hpp"

#include "netd/loop/fd.hpp"
#include "netd/store/files.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace netd {

using topology::Error;
using topology::Fault;
using topology::Result;

namespace {

constexpr std::string_view mark = "# Written by netd for the network with the default route; what was here comes back without it.\n";
constexpr std::string_view was_absent = "# netd: there was no such file\n";

Result<> write(const std::string& path, const std::string& text) {
    const std::string beside = path + ".netd";
    const auto failed = [&] {
        const int why = errno;
        ::unlink(beside.c_str());
        return Error{Fault::backend, path, fmt::format("can't be written: {}", std::strerror(why))};
    };
    const loop::Fd file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!file || ::fchmod(file.number(), 0644) != 0) return failed();
    if (::write(file.number(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) || ::fsync(file.number()) != 0) return failed();
    if (::rename(beside.c_str(), path.c_str()) != 0) return failed();
    // Durable before the other is touched, which may lie on another disk.
    const loop::Fd folder(::open(std::filesystem::path(path).parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder || (::fsync(folder.number()) != 0 && errno != EINVAL)) return Error{Fault::backend, path, fmt::format("can't be made durable: {}", std::strerror(errno))};
    return {};
}

// Nothing of a file that is not there; of one that can't be read a "no", or it would be kept, or come back, as an empty one.
Result<std::string> content(const std::string& path) {
    const loop::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file && errno == ENOENT) return std::string();
    std::string text;
    std::array<char, 4096> part;
    ssize_t got = -1;
    while (file && (got = ::read(file.number(), part.data(), part.size())) > 0) text.append(part.data(), static_cast<std::size_t>(got));
    if (got < 0) return Error{Fault::backend, path, fmt::format("can't be read: {}", std::strerror(errno))};
    return text;
}

bool is_link(const std::string& path) {
    std::error_code none;
    return std::filesystem::is_symlink(path, none);
}

bool is_there(const std::string& path) {
    std::error_code none;
    return std::filesystem::exists(path, none);
}

}  // namespace

std::string resolver_text(const lower::Resolver& resolver, const std::string& before) {
    std::string text(mark);
    if (!resolver.search.empty()) text += fmt::format("search {}\n", fmt::join(resolver.search, " "));
    for (const std::string& server : resolver.nameservers) text += fmt::format("nameserver {}\n", server);
    // What is not said is as the host had it.
    std::istringstream lines(before);
    for (std::string line; std::getline(lines, line);) {
        std::string key;
        std::istringstream(line) >> key;
        if (key == "options" || (key == "nameserver" && resolver.nameservers.empty())) text += line + "\n";
    }
    return text;
}

std::string ResolverFile::obstacle() const {
    if (!is_link(file_)) return {};
    return fmt::format("{} is a link that does not lead to systemd-resolved, so another program writes the host's nameservers; make it a file, or leave nameservers and search out", file_);
}

Result<> ResolverFile::sync(const lower::Resolver& wanted) {
    const auto there = content(file_);
    if (!there) return there.error();
    const bool is_ours = there->starts_with(mark) && !is_link(file_);
    const auto before = is_ours ? content(kept_) : there;
    if (!before) return before.error();
    if (wanted.empty()) {
        if (!is_ours) return {};
        if (*before == was_absent || !is_there(kept_)) {
            if (::unlink(file_.c_str()) != 0 && errno != ENOENT) return Error{Fault::backend, file_, fmt::format("can't be removed: {}", std::strerror(errno))};
        } else if (auto written = write(file_, *before); !written) return written;
        ::unlink(kept_.c_str());
        return {};
    }
    if (const std::string why = obstacle(); !why.empty()) return Error{Fault::conflict, file_, why};
    const std::string text = resolver_text(wanted, *before);
    if (*there == text) return {};
    if (!is_ours)
        if (auto kept = write(kept_, is_there(file_) ? *there : std::string(was_absent)); !kept) return kept;
    return write(file_, text);
}

std::vector<std::string> ResolverFile::nameservers() const { return nameservers_in(file_); }

std::vector<std::string> nameservers_in(const std::string& path) {
    std::vector<std::string> found;
    std::istringstream lines(store::content_of(path));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string key, server;
        if (words >> key >> server && key == "nameserver") found.push_back(server);
    }
    return found;
}

}  // namespace netd
