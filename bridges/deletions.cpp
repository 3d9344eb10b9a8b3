// See deletions.hpp.
#include "bridges/deletions.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>

namespace bridges {

using topology::Fault;

namespace {

constexpr std::size_t most_at_once = 16;

bool is_over(const std::future<Result<std::vector<Answer>>>& answers) { return answers.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }

}  // namespace

Result<std::list<Deletions::Deletion>::iterator> Deletions::begin(std::vector<Message> requests) {
    running_.remove_if([](const Deletion& deletion) { return is_over(deletion.answers); });
    if (running_.size() >= most_at_once) running_.pop_front();  // waits for it
    auto socket = RequestSocket::open();
    if (!socket) return socket.error();
    Descriptor answered(eventfd(0, EFD_CLOEXEC));
    if (!answered) return Error{Fault::backend, "eventfd", strerror(errno)};
    // In one place for both ways: what std::async is given it has moved away when it gets no thread for it.
    struct Work {
        RequestSocket socket;
        std::vector<Message> requests;
    };
    const auto work = [held = std::make_shared<Work>(Work{std::move(*socket), std::move(requests)}), tell = answered.get()] {
        auto answers = held->socket.exchange(held->requests);
        eventfd_write(tell, 1);
        return answers;
    };
    // Where no thread is to be had it is done when it is asked for.
    return running_.insert(running_.end(), {std::move(answered), std::async(std::launch::async | std::launch::deferred, work)});
}

Result<std::vector<Answer>> Deletions::run(std::vector<Message> requests, int notifications, const std::function<bool()>& are_gone) {
    const std::size_t count = requests.size();
    auto begun = begin(std::move(requests));
    if (!begun) return begun.error();
    Deletion& deletion = **begun;
    std::array<pollfd, 2> waiting{{{notifications, POLLIN, 0}, {deletion.answered.get(), POLLIN, 0}}};
    while (!are_gone()) {
        const bool is_deferred = deletion.answers.wait_for(std::chrono::seconds(0)) == std::future_status::deferred;
        if (!is_deferred && (::poll(waiting.data(), waiting.size(), -1) <= 0 || !waiting[1].revents)) continue;
        auto answers = deletion.answers.get();
        running_.erase(*begun);
        return answers;
    }
    return std::vector<Answer>(count);
}

}  // namespace bridges
