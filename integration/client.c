/* A client in another language: client ENDPOINT METHOD < PARAMS > ANSWER. It knows nothing of netd but docs/protocol.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

static char params[1 << 20], message[(1 << 20) + 256], answer[4 << 20];

static int fail(const char* what) {
    fprintf(stderr, "client: %s: %s\n", what, zmq_strerror(zmq_errno()));
    return 1;
}

int main(int count, char** words) {
    if (count != 3) return fprintf(stderr, "usage: client ENDPOINT METHOD < PARAMS\n"), 2;
    params[fread(params, 1, sizeof params - 1, stdin)] = '\0';
    int length = snprintf(message, sizeof message, "{\"jsonrpc\": \"2.0\", \"id\": \"from C\", \"method\": \"%s\", \"params\": %s}", words[2], params);

    void* context = zmq_ctx_new();
    void* socket = zmq_socket(context, ZMQ_REQ);
    int patience = 60000, linger = 0;
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience, sizeof patience);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    if (zmq_connect(socket, words[1]) != 0) return fail("connect");
    if (zmq_send(socket, message, (size_t)length, 0) < 0) return fail("send");
    int size = zmq_recv(socket, answer, sizeof answer, 0);
    if (size < 0) return fail("no answer");
    fwrite(answer, 1, (size_t)size, stdout);
    zmq_close(socket);
    zmq_ctx_term(context);
    return 0;
}
