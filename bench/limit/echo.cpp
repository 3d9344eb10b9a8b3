// A ROUTER that sends back what it was sent, or BYTES bytes: what a round trip costs when nobody thinks about it.
//   echo ENDPOINT [BYTES]
#include <zmq.h>

#include <cstdlib>
#include <string>

int main(int count, char** words) {
    if (count < 2) return 2;
    void* context = zmq_ctx_new();
    void* socket = zmq_socket(context, ZMQ_ROUTER);
    if (zmq_bind(socket, words[1]) != 0) return 1;
    const std::string answer(count > 2 ? static_cast<std::size_t>(std::atol(words[2])) : 0, 'x');
    zmq_msg_t identity, payload;
    zmq_msg_init(&identity);
    zmq_msg_init(&payload);
    while (zmq_msg_recv(&identity, socket, 0) >= 0 && zmq_msg_recv(&payload, socket, 0) >= 0) {
        zmq_msg_send(&identity, socket, ZMQ_SNDMORE);
        if (answer.empty()) zmq_msg_send(&payload, socket, 0);
        else zmq_send(socket, answer.data(), answer.size(), 0);
    }
}
