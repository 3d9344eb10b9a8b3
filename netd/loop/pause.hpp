// For how long what was refused is left alone, where nobody tells when it would not be: twice as long each time.
#pragma once

#include <algorithm>
#include <chrono>

namespace loop {

class Pause {
public:
    using Length = std::chrono::nanoseconds;

    constexpr Pause(Length first, Length longest) : first_(first), longest_(longest) {}

    // It was refused, once more if the last pause has not been ended: for how long it is left alone now.
    Length lengthen() { return length_ = std::clamp(2 * length_, first_, longest_); }

    void end() { length_ = Length::zero(); }
    bool lasts() const { return length_ > Length::zero(); }

private:
    Length first_, longest_, length_ = Length::zero();
};

}  // namespace loop
