// The fake's side of the seam: a mirror that sees what others did only when it listens, and a descriptor that says so.
#include "tests/fakes/fake_kernel.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

namespace fakes {

using namespace bridges;

namespace {

int new_event() { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

const IfName* link_of(const Op& op) {
    if (const auto* change = std::get_if<Update<Link>>(&op)) return &change->now.name;
    if (const auto* creation = std::get_if<Create<Link>>(&op)) return &creation->now.name;
    return nullptr;
}

}  // namespace

FakeKernel::FakeKernel(std::initializer_list<std::string_view> nics) : event_(new_event()) {
    for (const auto nic : nics) host_.add_device(IfName::observed(nic));
    mirror_ = host_.state();
}

FakeKernel::FakeKernel(const State& state) : event_(new_event()) {
    host_.adopt(state);
    mirror_ = host_.state();
}

FakeKernel::FakeKernel(const FakeKernel& other)
    : Kernel(other), able(other.able), host_(other.host_), mirror_(other.mirror_), event_(new_event()), overrun_(other.overrun_) {}

FakeKernel::~FakeKernel() { close(event_); }

Result<> FakeKernel::look() {
    mirror_ = host_.state();
    return {};
}

Result<Heard> FakeKernel::hear() {
    std::uint64_t waiting = 0;
    const bool told = read(event_, &waiting, sizeof waiting) == sizeof waiting;
    const State before = mirror_;
    State now = host_.state();
    // No notification tells of a sysctl: those who want to know must look. It tells of IPv6 that comes or goes.
    if (!overrun_) {
        for (const Link& link : host_.state().links) {
            const Link* known = before.links.find(link.name);
            if (!known || known->facts.index != link.facts.index || known->stack == link.stack || known->mtu != link.mtu) continue;
            Link heard = link;
            heard.stack = known->stack;
            now.links.put(heard);
        }
    }
    mirror_ = now;
    const Heard heard{.changed = told || !(mirror_ == before), .overrun = overrun_};
    overrun_ = false;
    return heard;
}

Result<> FakeKernel::look_at(std::span<const IfName> links) {
    for (const IfName& name : links) {
        const Link* link = host_.state().links.find(name);
        if (link) mirror_.links.put(*link);
        else mirror_.links.erase(name);
    }
    return {};
}

// The link that was meant, if it is still the one of that name.
bool FakeKernel::is_still(const Link& was) const {
    const Link* there = host_.state().links.find(was.name);
    return there && (was.facts.index == 0 || there->facts.index == was.facts.index);
}

Result<> FakeKernel::carry_out(const Op& op) {
    const auto* change = std::get_if<Update<Link>>(&op);
    if (change && !is_still(change->was)) return Error{Fault::lost_sync, change->now.name.text(), "it is gone"};
    const auto* removal = std::get_if<Remove<Link>>(&op);
    if (removal && !is_still(removal->was)) return {};  // what has its name now is not what was to go
    return host_.carry_out(op, able);
}

Progress FakeKernel::apply(std::span<const Op> ops) {
    Progress progress;
    std::vector<IfName> touched;
    for (const Op& op : ops) {
        if (auto said = carry_out(op); said) ++progress.done;
        else if (!progress.stopped) progress.stopped = said.error();
        if (const IfName* name = link_of(op)) touched.push_back(*name);
    }
    applied_ += progress.done;
    ++batches_;
    (void)hear();  // a fake's ear does not fail
    (void)look_at(touched);
    return progress;
}

// With a link goes its filter, so that of others there is nothing to forget.
Result<> FakeKernel::forget_filters(const std::set<IfName>& released) {
    host_.take_filters_from(released);
    for (const IfName& name : released)
        if (const Link* link = mirror_.links.find(name)) {
            Link bare = *link;
            bare.filter.reset();
            mirror_.links.put(bare);
        }
    return {};
}

void FakeKernel::stir() {
    const std::uint64_t once = 1;
    (void)!write(event_, &once, sizeof once);  // a counter that is full is readable all the same
}

Result<> FakeKernel::meddle(const Op& op) {
    stir();
    return host_.carry_out(op, able);
}

void FakeKernel::plug_in(std::string_view nic, const char* kind) {
    host_.add_device(IfName::observed(nic), kind);
    stir();
}

void FakeKernel::pull_out(std::string_view nic) {
    host_.drop(IfName::observed(nic));
    stir();
}

void FakeKernel::lose_notifications() {
    overrun_ = true;
    stir();
}

bool FaultyKernel::fails_now() const {
    if (healed_) return false;
    return until_ == Until::once ? seen_ == nth_ : seen_ >= nth_;
}

Progress FaultyKernel::apply(std::span<const Op> ops) {
    Progress progress;
    const auto pass = [&](const Op& op) {
        const Progress one = real_.apply({&op, 1});
        progress.done += one.done;
        if (!progress.stopped) progress.stopped = one.stopped;
    };
    for (const Op& op : ops) {
        const bool is_refused = !healed_ && refuses(op);
        if (!fails_now() && !is_refused) {
            pass(op);
            ++seen_;
            continue;
        }
        ++seen_;
        if (when_ == When::after) (void)real_.apply({&op, 1});
        if (die) die();
        if (!progress.stopped) progress.stopped = Error{Fault::backend, "", "an injected fault"};
    }
    return progress;
}

}  // namespace fakes
