// An optional whose value lies elsewhere: for what is large and mostly absent, or mostly as it comes. Copies share the value
// until one of them is changed.
#pragma once

#include "topology/shared.hpp"

#include <concepts>
#include <optional>

namespace topology {

template <class T>
class Rare {
public:
    Rare() = default;
    Rare(T value) : held_(value == T{} ? Shared<T>() : Shared<T>(std::move(value))) {}
    Rare(std::optional<T> value) {
        if (value) *this = Rare(std::move(*value));
    }

    bool has_value() const { return held_.has_value(); }
    explicit operator bool() const { return has_value(); }
    const T& operator*() const { return held_->get(); }
    const T* operator->() const { return &held_->get(); }
    T value_or(T other) const { return held_ ? held_->get() : other; }

    void emplace() { held_.emplace(); }  // as it comes
    // To be changed; there must be one.
    T& edit() { return held_->edit(); }

    bool operator==(const Rare&) const = default;

private:
    std::optional<Shared<T>> held_;
};

// What may be absent, wherever its value lies.
template <class Held>
concept Optional = requires(const Held& held) {
    { held.has_value() } -> std::same_as<bool>;
    *held;
};

}  // namespace topology
