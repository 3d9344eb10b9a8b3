// Threads that are begun while netd is at work: that none is to be had is a "no" as any other, and not the end of netd.
#pragma once

#include "topology/result.hpp"

#include <system_error>
#include <thread>
#include <utility>

namespace loop {

template <class Work>
topology::Result<std::thread> start_thread(Work&& work) {
    try {
        return std::thread(std::forward<Work>(work));
    } catch (const std::system_error& none) {
        return topology::Error{topology::Fault::backend, "a thread", none.what()};
    }
}

}  // namespace loop
