// See vswitchd.hpp. The kernel takes a connection as long as the socket's owner lives, whatever that is busy with.
#include "ovs-driver/vswitchd.hpp"

#include "ovs-driver/library.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <utility>

#include "ovs-driver/flow_handles.hpp"

namespace ovs {
namespace {

constexpr std::chrono::milliseconds soon{50}, later{1000};

// Its number is -1 where there is none; the error tells whether somebody is there.
struct Call {
    int number = -1, error = 0;
    bool is_refused() const { return error == ECONNREFUSED || error == ENOENT; }
};

Call call_at(const std::string& path) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return {-1, ENAMETOOLONG};
    std::copy(path.begin(), path.end(), address.sun_path);
    const int number = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (number < 0) return {-1, errno};
    if (::connect(number, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return {number, 0};
    const int error = errno;
    ::close(number);
    return {-1, error};
}

// The first at which somebody listens, else one that is refused.
Call call_in(const std::string& folder) {
    std::error_code unreadable;
    for (const auto& entry : std::filesystem::directory_iterator(folder, unreadable)) {
        const std::string name = entry.path().filename();
        if (!name.starts_with("ovs-vswitchd") || !name.ends_with(".ctl")) continue;
        if (const Call call = call_at(entry.path()); !call.is_refused()) return call;
    }
    return {-1, unreadable ? EACCES : ENOENT};
}

// A bridge of others may have a quote in its name.
std::string question_of(const std::string& command, const std::string& bridge) {
    json* params = json_array_create_empty();
    if (!bridge.empty()) json_array_add(params, json_string_create(bridge.c_str()));
    const Text text{json_to_string(params, 0)};
    json_destroy(params);
    return fmt::format(R"({{"id":0,"method":"{}","params":{}}})", command, text.get());
}

}  // namespace

bool Vswitchd::is_gone() const {
    const Call call = call_in(folder_);
    if (call.number >= 0) ::close(call.number);
    return call.is_refused();
}

void Vswitchd::ask() {
    if (std::exchange(is_asked_, true)) return;
    next_call_ = {};
    run();
}

void Vswitchd::run() {
    if (!is_asked_) return;
    if (line_ < 0 && Clock::now() >= next_call_) call();
    if (line_ < 0) return;
    std::array<char, 256> answer;
    const auto length = ::recv(line_, answer.data(), answer.size(), 0);
    if (length > 0) return answered();
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
    hang_up();  // it has died
}

// Too many that wait to be taken, is_gone()'s among them, are no sign of life either (EAGAIN).
void Vswitchd::call() {
    const Call call = call_in(folder_);
    next_call_ = Clock::now() + (is_silent_ ? later : soon);
    if (call.number >= 0) {
        line_ = call.number;
        const std::string question = question_of(command_, bridge_);
        if (::send(line_, question.data(), question.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(question.size())) hang_up();
    } else if (!call.is_refused() && call.error != EAGAIN) {
        answered();
    }
}

void Vswitchd::hang_up() {
    if (line_ >= 0) ::close(line_);
    line_ = -1;
}

void Vswitchd::answered() {
    hang_up();
    is_asked_ = is_silent_ = false;
}

void Vswitchd::wait() const {
    if (!is_asked_) return;
    if (line_ >= 0) poll_fd_wait(line_, POLLIN);
    else poll_timer_wait_until(monotonic_ms(next_call_));
}

}  // namespace ovs
