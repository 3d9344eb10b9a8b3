// A value whose copies are one until one of them is changed: for what is large, and is copied far more often than changed.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

namespace topology {

template <class T>
class Shared {
public:
    Shared() = default;
    explicit Shared(T value) : held_(std::make_shared<T>(std::move(value))) {}

    const T& get() const {
        static const T none{};
        return held_ ? *held_ : none;
    }

    // To be changed: this copy's own from now on.
    T& edit() {
        if (!held_ || held_.use_count() > 1) held_ = std::make_shared<T>(get());
        std::atomic_thread_fence(std::memory_order_acquire);  // whoever shared it has read it to the end
        return *held_;
    }

    bool operator==(const Shared& other) const { return held_ == other.held_ || get() == other.get(); }

private:
    std::shared_ptr<T> held_;
};

}  // namespace topology
