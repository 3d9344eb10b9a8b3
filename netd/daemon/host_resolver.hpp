// The host's nameservers: systemd-resolved's where resolv.conf leads to it, else those of the file.
#pragma once

#include "netd/daemon/resolved.hpp"
#include "netd/daemon/resolver_file.hpp"

namespace netd {

class HostResolver {
public:
    // `kept` is where what was in the file waits, `run` the folder for what resolved was told.
    HostResolver(const std::string& file, const std::string& kept, const std::string& run, const loop::Clock& clock);

    // Makes it so, or, if nothing is wanted, what it was. Does nothing if it is so.
    topology::Result<> sync(const lower::Resolver& wanted);

    // Why nobody may ask for nameservers here; or empty. A resolved that does not answer is none: it is told when it does.
    std::string obstacle() const;

    // Those that the host has now, whoever gave them.
    std::vector<std::string> nameservers() const;

    // As Resolved has them.
    bool hear() { return resolved_.hear(); }
    int descriptor() const { return resolved_.descriptor(); }
    std::optional<std::chrono::nanoseconds> next() const { return resolved_.next(); }

private:
    std::string path_;
    ResolverFile file_;
    Resolved resolved_;
};

// The file is a link to one of those that resolved keeps, whether it is there already or not.
bool leads_to_resolved(const std::string& file);

}  // namespace netd
