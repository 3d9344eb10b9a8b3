// What a thread does before it uses OVS' library.
#pragma once

namespace ovs {

// Once for the process, and for each thread that has sockets of it. May be called again.
void set_up_library();

}  // namespace ovs
