// An option of a socket is as large as its value.
#pragma once

#include <sys/socket.h>

namespace loop {

// False: errno says why not.
template <class Value>
bool set_option(int socket, int level, int option, const Value& value) {
    return ::setsockopt(socket, level, option, &value, sizeof value) == 0;
}

}  // namespace loop
