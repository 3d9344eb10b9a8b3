// Sockets in the file system: who may reach one is settled before the first byte is read from it.
#pragma once

#include "netd/loop/fd.hpp"
#include "topology/result.hpp"

#include <string>

namespace serve {

class Socket;

// Binds ipc://PATH: the folder is made with 0750 if it is missing, the socket gets 0660 and the group, a socket left by
// a dead process is replaced; one that somebody answers on (conflict), or what is no socket, is left alone.
// Changes the umask of the process for a moment: at start, while there is one thread.
topology::Result<> bind_ipc(Socket& socket, const std::string& endpoint, int group);

// The same for a socket of packets (SOCK_SEQPACKET) that is no ZeroMQ's, at an absolute path: it listens, and never blocks.
topology::Result<loop::Fd> listen_for_packets(const std::string& path, int group);

}  // namespace serve
