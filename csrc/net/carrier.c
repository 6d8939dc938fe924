/* A socket over something else than the kernel: what its carrier reports. */
#include "net/socket.h"

int net_socket_carry(net_socket **out, net_loop *loop, const net_carrier *carrier, void *context,
                     bool is_connected) {
    net_socket *socket = net_socket_make(loop, NULL, NULL);
    if (!socket)
        return UV_ENOMEM;
    socket->carrier = carrier;
    socket->carrier_context = context;
    socket->is_carried = is_connected;
    *out = socket;
    return 0;
}

void *net_socket_carrier(const net_socket *socket, const net_carrier *carrier) {
    return socket->carrier == carrier ? socket->carrier_context : NULL;
}

void net_socket_carrier_connected(net_socket *socket) {
    if (socket->is_carried || socket->is_failed)
        return;
    socket->is_carried = true;
    net_socket_begin(socket);
}

void net_socket_carrier_data(net_socket *socket, const uint8_t *data, size_t size) {
    if (!socket->has_fin && !socket->is_failed)
        net_socket_receive(socket, data, size);
}

void net_socket_carrier_end(net_socket *socket) {
    if (!socket->is_failed)
        net_socket_receive_fin(socket);
}

void net_socket_carrier_writable(net_socket *socket) {
    net_socket_written(socket);
}

void net_socket_carrier_finished(net_socket *socket) {
    net_socket_set_due(socket, DUE_FINISH);
}

void net_socket_carrier_failed(net_socket *socket, const net_error *error) {
    net_socket_break(socket, error);
}
