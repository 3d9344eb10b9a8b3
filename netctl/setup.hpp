// A change of the host while it is under way: netd is asked, and waits to hear that we can still reach it.
#pragma once

#include "netctl/verbs.hpp"

#include <functional>
#include <optional>

namespace netctl {

// Where a change stands, as Host.getStatus tells it.
enum class Phase { working, waits_for_confirmation, over };

// The call of Host.setupNetworks, and what is known if its connection does not live to hear the answer: a change of the
// very network that it came by may cut it, though all is well.
class Setup {
public:
    Setup(Session& session, const nlohmann::json& params);

    // Nothing while it is under way. Lasts at most this long, or a little more if netd can't be reached. A netd that went
    // away, and has not told of the end when the confirmation is overdue, is not waited for: that is an answer, too.
    std::optional<Answer> wait(milliseconds most);

    // Over a new connection, as it is made only now. True: netd took it as the confirmation.
    bool confirm();
    // It goes back now, if it is what waits.
    void roll_back();

    // Another's change that waits is none of ours: ours is not begun yet then.
    Phase phase();

    // When it is over at the latest: it may have to wait until another's is.
    std::chrono::steady_clock::time_point deadline() const { return deadline_; }

private:
    Setup(Session& session, const nlohmann::json& params, const Answer& before);
    void begin_to_ask();
    std::optional<Answer> ask_for_the_end(milliseconds most);

    Screen& screen_;
    Connections& netd_;
    std::chrono::seconds to_confirm_;
    std::chrono::steady_clock::time_point deadline_;
    nlohmann::json last_before_;  // how the transaction before this one ended
    nlohmann::json others_;       // the number of one that waited before
    nlohmann::json mine_;         // of this one, since it waits
    std::variant<Call, Trouble> call_;  // Trouble: nobody was there who could have been asked
    bool cut_ = false;
    std::chrono::steady_clock::time_point asked_until_ = {};  // if it was cut
};

// How long a change may take that must be confirmed within the time that its options give; `before` is netd's status when it is asked for.
milliseconds longest(const nlohmann::json& options, const nlohmann::json& before);

// Calls it, and confirms until the answer is there.
Answer set_up_and_confirm(Session& session, const nlohmann::json& params);

}  // namespace netctl
