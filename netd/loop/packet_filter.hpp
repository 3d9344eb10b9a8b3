// What of a wire a socket is handed, in the words of classic BPF.
#pragma once

#include "netd/loop/socket_option.hpp"

#include <cstdint>
#include <linux/filter.h>
#include <vector>

namespace loop {

inline constexpr sock_filter all_of_it = BPF_STMT(BPF_RET | BPF_K, 0xffff), nothing = BPF_STMT(BPF_RET | BPF_K, 0);

// The next one counts only for this number.
inline sock_filter skip_unless(std::uint32_t number) { return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1); }

// False: it is too long, or errno says why not.
inline bool attach(int socket, std::vector<sock_filter> filter) {
    return filter.size() <= BPF_MAXINSNS && set_option(socket, SOL_SOCKET, SO_ATTACH_FILTER, sock_fprog{static_cast<unsigned short>(filter.size()), filter.data()});
}

}  // namespace loop
