// The host's resolv.conf, while a network's nameservers are the host's; what was there is kept, and comes back without them.
#pragma once

#include "netd/lower/leases.hpp"
#include "topology/result.hpp"

#include <string>
#include <vector>

namespace netd {

class ResolverFile {
public:
    // `kept` is where what was there before waits.
    ResolverFile(std::string file, std::string kept) : file_(std::move(file)), kept_(std::move(kept)) {}

    // Makes the file so, or, if nothing is wanted, what it was. Writes nothing if it is so; always whole, by a rename.
    topology::Result<> sync(const lower::Resolver& wanted);

    // Why sync() would say no: a sentence for whoever asks for nameservers; or empty.
    std::string obstacle() const;

    // Those that the host has now, whoever wrote them.
    std::vector<std::string> nameservers() const;

private:
    std::string file_, kept_;
};

// What it does not say is as in the file before: options, and nameservers where it has none. Pure.
std::string resolver_text(const lower::Resolver& resolver, const std::string& before);

// Those of a file in the form of resolv.conf.
std::vector<std::string> nameservers_in(const std::string& path);

}  // namespace netd
