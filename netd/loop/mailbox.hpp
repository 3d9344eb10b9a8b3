// The only road between threads: values go in at one end, and a descriptor tells the other end that they are there.
#pragma once

#include "netd/loop/event_loop.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <sys/eventfd.h>
#include <vector>

namespace loop {

// Any thread may push; one thread takes. The descriptor is readable exactly while something lies in the box.
template <class T>
class Mailbox {
public:
    // The capacity binds try_push() only.
    static Result<std::unique_ptr<Mailbox>> open(std::size_t capacity = std::numeric_limits<std::size_t>::max()) {
        Fd event{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
        if (!event) return system_error("mailbox", "eventfd");
        return std::unique_ptr<Mailbox>(new Mailbox(std::move(event), capacity));
    }

    // Always takes it: for what must not be lost and is bounded by its maker.
    void push(T value) {
        const std::lock_guard lock{mutex_};
        put(std::move(value));
    }

    // False: the box is full, and the value was not moved from.
    [[nodiscard]] bool try_push(T&& value) {
        const std::lock_guard lock{mutex_};
        if (values_.size() >= capacity_) return false;
        put(std::move(value));
        return true;
    }
    [[nodiscard]] bool try_push(const T& value) { return try_push(T(value)); }

    // Everything that lies there, oldest first; never waits.
    std::vector<T> take() {
        const std::lock_guard lock{mutex_};
        std::vector<T> taken(std::make_move_iterator(values_.begin()), std::make_move_iterator(values_.end()));
        if (!values_.empty()) silence();
        values_.clear();
        return taken;
    }

    // The oldest one; never waits.
    std::optional<T> take_one() {
        const std::lock_guard lock{mutex_};
        if (values_.empty()) return std::nullopt;
        std::optional<T> taken{std::move(values_.front())};
        values_.pop_front();
        if (values_.empty()) silence();
        return taken;
    }

    std::size_t size() const {
        const std::lock_guard lock{mutex_};
        return values_.size();
    }

    int descriptor() const { return event_.number(); }

private:
    Mailbox(Fd event, std::size_t capacity) : event_(std::move(event)), capacity_(capacity) {}

    // The descriptor changes under the lock, so it never contradicts the queue. Neither call can fail: the count
    // is 0 or 1, far from the overflow that would block a write.
    void put(T&& value) {
        values_.push_back(std::move(value));
        const std::uint64_t one = 1;
        if (values_.size() == 1) [[maybe_unused]] auto written = ::write(event_.number(), &one, sizeof one);
    }
    void silence() {
        std::uint64_t count = 0;
        [[maybe_unused]] auto got = ::read(event_.number(), &count, sizeof count);
    }

    Fd event_;
    std::size_t capacity_;
    mutable std::mutex mutex_;
    std::deque<T> values_;
};

}  // namespace loop
