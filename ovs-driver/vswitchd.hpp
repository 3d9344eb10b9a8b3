// Whether ovs-vswitchd is there at all, and whether it answers.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace ovs {

// Asked by the sockets through which it is managed, ovs-vswitchd*.ctl in the folder ("/run/openvswitch"). It answers there between two
// turns of the loop that also does what the database says; nothing is written for it. One that can't be asked counts as one that answers.
class Vswitchd {
public:
    using Clock = std::chrono::steady_clock;

    // Asked by that command, in the words of ovs-appctl, about that bridge if the command wants one.
    explicit Vswitchd(std::string folder, std::string_view command = "version", std::string_view bridge = {}) : folder_(std::move(folder)), command_(command), bridge_(bridge) {}
    ~Vswitchd() { hang_up(); }
    Vswitchd(const Vswitchd&) = delete;
    Vswitchd& operator=(const Vswitchd&) = delete;

    // True if nobody listens: it has died or was never started. One that is only slow, or stopped by a signal, is there.
    bool is_gone() const;

    // The question stays open until it is answered, by this ovs-vswitchd or another one; another question is none until then.
    void ask();
    bool has_answered() const { return !is_asked_; }
    // It was waited for in vain: silent until it answers.
    void give_up() { is_silent_ = is_asked_; }
    bool is_silent() const { return is_silent_; }

    // Takes in an answer. Never blocks.
    void run();
    // Registers with OVS' poll loop.
    void wait() const;

private:
    void call();
    void hang_up();
    void answered();

    std::string folder_, command_, bridge_;
    bool is_asked_ = false, is_silent_ = false;
    int line_ = -1;                      // to whom it was asked
    Clock::time_point next_call_ = {};
};

}  // namespace ovs
