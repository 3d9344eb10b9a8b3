// The reconciler's side of the desk: it waits for answers, never for libvirt.
#include "netd/guests/libvirt_hypervisor.hpp"

#include "netd/guests/virt_worker.hpp"
#include "netd/loop/thread.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

namespace guests {
namespace {

using Clock = std::chrono::steady_clock;

// A call takes tens of milliseconds; libvirtd is given up after 20 s without a sign of life.
constexpr std::chrono::seconds longest_call{15}, longest_parting{30}, longest_goodbye{2};
constexpr std::chrono::milliseconds longest_delivery{500};  // of an answer that says that there is none

class Libvirt : public Hypervisor {
public:
    explicit Libvirt(std::shared_ptr<Desk> desk) : desk_(std::move(desk)), closed_(desk_->closed.get_future()), silent_(desk_->silent.get_future()), thread_(work, desk_) {}

    // One that hangs in a call is left to the end of the process.
    ~Libvirt() override {
        desk_->errands->push(Stop{});
        desk_->speeches->push({});
        end(thread_, closed_);
        if (speaker_.joinable()) end(speaker_, silent_);
    }

    bool hear() override {
        take_news();
        return std::exchange(changed_, false);
    }

    bool connected() const override { return connected_; }
    std::string where() const override { return desk_->uri; }
    std::string trouble() const override { return trouble_; }
    const State& state() const override { return state_; }
    int descriptor() const override { return desk_->news->descriptor(); }
    void beside(int urgent, std::function<void()> see_to) override {
        urgent_ = urgent;
        see_to_ = std::move(see_to);
    }

    Progress apply(std::span<const Op> ops, Deadline deadline) override {
        Progress progress;
        for (const Op& op : ops) {
            const auto* remove = std::get_if<Remove<Nic>>(&op);
            const Result<> done = remove ? part(remove->was.key(), deadline) : ask(op, deadline);
            if (!done) {
                progress.stopped = done.error();
                return progress;
            }
            ++progress.done;
        }
        return progress;
    }

    Result<> ask_to_let_go(const Nic::Key& nic, Deadline deadline) override { return ask(nic, deadline); }
    Result<> may_change(const std::string& domain, Deadline deadline) override { return ask(MayChange{domain}, deadline); }

    void announce(std::span<const Nic::Key> nics) override {
        Speech speech;
        for (const auto& nic : nics) speech.insert(nic.domain);
        if (speech.empty() || !connected_) return;
        if (!speaker_.joinable()) {
            auto started = loop::start_thread([desk = desk_] { speak(desk); });
            if (!started) return;  // they will speak by themselves, sooner or later
            speaker_ = std::move(*started);
        }
        desk_->speeches->push(std::move(speech));
    }

    void look_at(const std::set<std::string>& domains) override {
        for (const std::string& domain : domains) desk_->errands->push(Look{domain});
    }

    std::uint64_t look_at_all() override {
        desk_->errands->push(Look{{}, ++looks_});
        return looks_;
    }
    bool answered(std::uint64_t number) const override { return connected_ && looked_ >= number; }

    void offer(std::vector<Offer> offers) override { desk_->errands->push(std::move(offers)); }

private:
    static void end(std::thread& thread, const std::future<void>& is_done) {
        if (is_done.wait_for(longest_goodbye) == std::future_status::ready) thread.join();
        else thread.detach();
    }

    // Whoever waits for an answer hears other news with it, which is told by the next hear().
    void take_news() {
        for (News& news : desk_->news->take()) {
            changed_ = changed_ || news.connected != connected_ || news.trouble != trouble_ || !(news.state == state_);
            connected_ = news.connected;
            state_ = std::move(news.state);
            trouble_ = std::move(news.trouble);
            looked_ = news.looked;
            if (news.answer && news.answer->number == asked_) answer_ = std::move(news.answer->result);
        }
    }

    Result<> ask(Task what, Deadline deadline) {
        deadline = std::min(deadline, Clock::now() + longest_call) - longest_delivery;
        answer_.reset();
        desk_->errands->push(Deed{++asked_, std::move(what), deadline});
        while (!answer_ && await_news(deadline)) take_news();
        // That there is no answer is said then; where the whole machine stood still for longer, now.
        for (const auto end = Clock::now() + longest_delivery; !answer_ && await_news(end);) take_news();
        if (answer_) return *answer_;
        ++asked_;  // what comes now comes too late
        trouble_ = fmt::format("{} takes long to answer", desk_->uri);  // until it has news
        changed_ = true;
        return Error{Fault::timeout, "libvirt", fmt::format("no answer from {} in time", desk_->uri)};
    }

    Result<> part(const Nic::Key& nic, Deadline deadline) {
        deadline = std::min(deadline, Clock::now() + longest_parting);
        // The guest may have another one with its MAC, which is known in its place then.
        const Nic* plugged = state_.nics.find(nic);
        const std::optional<IfName> device = plugged ? plugged->device : std::nullopt;
        const auto is_there = [&] { const Nic* now = state_.nics.find(nic); return now && now->device == device; };
        if (auto asked = ask(nic, deadline); !asked) return is_there() ? asked : Result<>();
        while (is_there() && await_news(deadline)) take_news();
        if (!is_there()) return {};
        return Error{Fault::timeout, "domain " + nic.domain, fmt::format("the guest does not let go of {}", nic.mac.text())};
    }

    // One that is readable for ever, since it can't be read, is looked at ten times a second.
    bool await_news(Deadline deadline) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0) return false;
        const bool is_heeded = Clock::now() >= urgent_again_;
        std::array<pollfd, 2> waiting{pollfd{desk_->news->descriptor(), POLLIN, 0}, pollfd{is_heeded ? urgent_ : -1, POLLIN, 0}};
        if (::poll(waiting.data(), waiting.size(), static_cast<int>(std::min<long>(left, is_heeded ? 60'000 : 100))) < 0) return errno == EINTR;
        if (!waiting[1].revents) return true;
        see_to_();
        urgent_again_ = Clock::now() + std::chrono::milliseconds(100);
        return true;
    }

    std::shared_ptr<Desk> desk_;
    std::future<void> closed_, silent_;
    std::thread thread_, speaker_;  // the second from when it is first needed
    bool connected_ = false, changed_ = false;
    std::string trouble_;
    State state_;
    std::uint64_t asked_ = 0, looks_ = 0, looked_ = 0;
    std::optional<Result<>> answer_;
    int urgent_ = -1;
    std::function<void()> see_to_;
    Clock::time_point urgent_again_ = {};
};

}  // namespace

std::unique_ptr<Hypervisor> open_libvirt(const std::string& uri) {
    if (uri.empty()) return nullptr;
    auto errands = loop::Mailbox<Errand>::open();
    auto news = loop::Mailbox<News>::open();
    auto speeches = loop::Mailbox<Speech>::open();
    if (!errands || !news || !speeches) return nullptr;
    auto desk = std::make_shared<Desk>();
    desk->uri = uri;
    desk->errands = std::move(*errands);
    desk->news = std::move(*news);
    desk->speeches = std::move(*speeches);
    return std::make_unique<Libvirt>(std::move(desk));
}

bool await(Hypervisor& hypervisor, Deadline deadline) {
    hypervisor.hear();
    while (!hypervisor.connected() && Clock::now() < deadline) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd waiting{hypervisor.descriptor(), POLLIN, 0};
        if (::poll(&waiting, 1, static_cast<int>(std::max<long>(left, 0))) < 0 && errno != EINTR) return false;
        hypervisor.hear();
    }
    return hypervisor.connected();
}

}  // namespace guests
