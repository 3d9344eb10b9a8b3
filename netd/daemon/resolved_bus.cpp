// sd-bus, of which nothing blocks but what is asked to: connecting, too, goes on while it is heard.
#include "netd/daemon/resolved_bus.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <systemd/sd-bus.h>

namespace netd {

using topology::Error;
using topology::Fault;
using topology::Result;

namespace {

constexpr const char* who = "systemd-resolved";
constexpr const char* service = "org.freedesktop.resolve1";
constexpr const char* starts = "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',interface='org.freedesktop.DBus',"
                               "member='NameOwnerChanged',arg0='org.freedesktop.resolve1'";
constexpr std::chrono::microseconds longest_call = std::chrono::seconds(10);

struct Released {
    void operator()(sd_bus* held) const noexcept { ::sd_bus_close_unref(held); }
    void operator()(sd_bus_message* held) const noexcept { ::sd_bus_message_unref(held); }
};
using BusPtr = std::unique_ptr<sd_bus, Released>;
using MessagePtr = std::unique_ptr<sd_bus_message, Released>;

Error failed(const char* subject, const char* deed, int code) { return {Fault::backend, subject, fmt::format("{}: {}", deed, std::strerror(-code))}; }

Error error_of(const sd_bus_error& told) {
    const std::string_view name = told.name;
    if (name == SD_BUS_ERROR_NAME_HAS_NO_OWNER || name == SD_BUS_ERROR_SERVICE_UNKNOWN) return {Fault::backend, who, "it does not run"};
    if (name == SD_BUS_ERROR_NO_REPLY || name == SD_BUS_ERROR_TIMEOUT) return {Fault::timeout, who, "it does not answer"};
    return {Fault::backend, who, told.message ? told.message : told.name};
}

// The writers of messages: what is below 0 is sd-bus's error.

int write_server(sd_bus_message* message, const std::string& server) {
    std::array<unsigned char, 16> bytes{};
    const int family = server.find(':') == std::string::npos ? AF_INET : AF_INET6;
    if (::inet_pton(family, server.c_str(), bytes.data()) != 1) return -EINVAL;
    if (const int opened = ::sd_bus_message_open_container(message, 'r', "iay"); opened < 0) return opened;
    if (const int said = ::sd_bus_message_append(message, "i", family); said < 0) return said;
    if (const int said = ::sd_bus_message_append_array(message, 'y', bytes.data(), family == AF_INET ? 4 : 16); said < 0) return said;
    return ::sd_bus_message_close_container(message);
}

int write_servers(sd_bus_message* message, const lower::Resolver& resolver) {
    if (const int opened = ::sd_bus_message_open_container(message, 'a', "(iay)"); opened < 0) return opened;
    for (const std::string& server : resolver.nameservers)
        if (const int said = write_server(message, server); said < 0) return said;
    return ::sd_bus_message_close_container(message);
}

// To be searched in, not only to be asked about here.
int write_domains(sd_bus_message* message, const lower::Resolver& resolver) {
    if (const int opened = ::sd_bus_message_open_container(message, 'a', "(sb)"); opened < 0) return opened;
    for (const std::string& domain : resolver.search)
        if (const int said = ::sd_bus_message_append(message, "(sb)", domain.c_str(), 0); said < 0) return said;
    return ::sd_bus_message_close_container(message);
}

// Names that no other link is responsible for are asked about here.
int write_default_route(sd_bus_message* message, const lower::Resolver&) { return ::sd_bus_message_append(message, "b", 1); }

using Write = int (*)(sd_bus_message*, const lower::Resolver&);
constexpr std::pair<const char*, Write> all_of_a_link[] = {{"SetLinkDNS", write_servers}, {"SetLinkDomains", write_domains}, {"SetLinkDefaultRoute", write_default_route}};

class SystemBus final : public ResolvedBus {
public:
    explicit SystemBus(Ears ears) : ears_(std::move(ears)) {}

    Result<> open() {
        sd_bus* opened = nullptr;
        if (const int code = ::sd_bus_open_system(&opened); code < 0) return failed("system bus", "can't be reached", code);
        bus_.reset(opened);
        // Before the first call, so that no start is missed.
        if (const int code = ::sd_bus_add_match_async(bus_.get(), nullptr, starts, on_owner, nullptr, this); code < 0) return failed("system bus", "can't be heard", code);
        return {};
    }

    Result<int> send(const LinkCall& call) override {
        if (const auto* revert = std::get_if<RevertLink>(&call)) {
            if (auto sent = send("RevertLink", revert->index, {}, on_reverted, nullptr); !sent) return sent.error();
            return 1;
        }
        const auto& tell = std::get<TellLink>(call);
        int count = 0;
        for (const auto& [member, write] : all_of_a_link) {
            if (auto sent = send(member, tell.index, tell.resolver, on_told, write); !sent) return sent.error();
            ++count;
        }
        return count;
    }

    Result<> hear(std::chrono::nanoseconds patience) override {
        for (;;) {
            const int done = ::sd_bus_process(bus_.get(), nullptr);
            if (done < 0) return failed("system bus", "is gone", done);
            if (done > 0) patience = patience.zero();
            else if (patience <= patience.zero()) return {};
            else {
                ::sd_bus_wait(bus_.get(), static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::microseconds>(patience).count()));
                patience = patience.zero();  // interrupted or not: the caller has the clock
            }
        }
    }

    int descriptor() const override { return ::sd_bus_get_fd(bus_.get()); }

private:
    Result<> send(const char* member, int index, const lower::Resolver& resolver, sd_bus_message_handler_t answered, Write write) {
        sd_bus_message* made = nullptr;
        int code = ::sd_bus_message_new_method_call(bus_.get(), &made, service, "/org/freedesktop/resolve1", "org.freedesktop.resolve1.Manager", member);
        const MessagePtr message(made);
        // Whoever has stopped it would wonder; when it starts it is told.
        if (code >= 0) code = ::sd_bus_message_set_auto_start(made, 0);
        if (code >= 0) code = ::sd_bus_message_append(made, "i", index);
        if (code >= 0 && write) code = write(made, resolver);
        if (code >= 0) code = ::sd_bus_call_async(bus_.get(), nullptr, made, answered, this, longest_call.count());
        if (code < 0) return failed(who, member, code);
        return {};
    }

    static int on_told(sd_bus_message* answer, void* bus, sd_bus_error*) {
        const sd_bus_error* error = ::sd_bus_message_get_error(answer);
        static_cast<SystemBus*>(bus)->ears_.answered(error ? Result<>(error_of(*error)) : Result<>());
        return 1;
    }

    // A link that is gone has nothing to be taken back.
    static int on_reverted(sd_bus_message* answer, void* bus, sd_bus_error* none) {
        if (!::sd_bus_message_is_method_error(answer, "org.freedesktop.resolve1.NoSuchLink")) return on_told(answer, bus, none);
        static_cast<SystemBus*>(bus)->ears_.answered({});
        return 1;
    }

    static int on_owner(sd_bus_message* signal, void* bus, sd_bus_error*) {
        const char *name = nullptr, *was = nullptr, *now = nullptr;
        if (::sd_bus_message_read(signal, "sss", &name, &was, &now) >= 0 && *now != '\0') static_cast<SystemBus*>(bus)->ears_.started();
        return 1;
    }

    Ears ears_;
    BusPtr bus_;
};

}  // namespace

Result<std::unique_ptr<ResolvedBus>> open_resolved_bus(ResolvedBus::Ears ears) {
    auto bus = std::make_unique<SystemBus>(std::move(ears));
    if (auto opened = bus->open(); !opened) return opened.error();
    return std::unique_ptr<ResolvedBus>(std::move(bus));
}

}  // namespace netd
