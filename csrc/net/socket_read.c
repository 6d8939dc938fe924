/* A socket's reading: octets come when asked for, through the filter where there is one. */
#include "net/socket.h"

#include <string.h>

/* What one read should bring, in events; and the least octets that are asked for. */
#define FEW_EVENTS 16
#define MANY_EVENTS 64
#define MIN_READ_OCTETS 512

static void tell_end(net_socket *socket) {
    if (socket->has_ended)
        return;
    socket->has_ended = true;
    TELL(socket, on_end, socket);
}

static bool can_tell_data(const net_socket *socket) {
    return socket->is_reading && !socket->is_closing && !socket->is_failed && !socket->has_ended;
}

/* Hands on what the filter holds. A record may be cut where reading stops: what is left stays with
 * the filter until reading starts again. */
void net_socket_read_filter(net_socket *socket) {
    if (!net_socket_is_open(socket))
        return;
    net_loop *loop = socket->member.loop;
    while (can_tell_data(socket)) {
        size_t size;
        net_error error;
        net_tls_status status = net_tls_read(socket->tls, loop->plain_buffer,
                                             sizeof(loop->plain_buffer), &size, &error);
        if (status == NET_TLS_ERROR || status == NET_TLS_NOMEM) {
            net_socket_break_tls(socket, status, &error);
            return;
        }
        if (size > 0) {
            TELL(socket, on_data, socket, loop->plain_buffer, size);
            continue;
        }
        if (net_tls_take_news(socket->tls)) {
            TELL(socket, on_session, socket);
            continue;
        }
        net_socket_flush(socket); /* an answer to the peer's housekeeping */
        /* FIN without close_notify is told as an end too: HTTP/2 knows by itself what was cut. */
        if (status == NET_TLS_END || socket->has_fin)
            tell_end(socket);
        return;
    }
    socket->is_cut_short = true;
}

static void finish_handshake(net_socket *socket) {
    net_socket_poll(socket);
    TELL(socket, on_secure, socket);
    if (!socket->is_closing && net_tls_take_news(socket->tls))
        TELL(socket, on_session, socket);
    if (!socket->is_closing)
        net_socket_resume_writing(socket);
}

void net_socket_receive_sealed(net_socket *socket, const uint8_t *data, size_t size) {
    net_error error;
    bool was_open = net_socket_is_open(socket);
    net_tls_status status = net_tls_feed(socket->tls, data, size, &error);
    if (status == NET_TLS_ERROR || status == NET_TLS_NOMEM) {
        net_socket_break_tls(socket, status, &error);
        return;
    }
    net_socket_flush(socket);
    net_socket_poll(socket);
    if (net_tls_is_queued(socket->tls))
        net_socket_set_due(socket, DUE_ANSWER);
    if (!was_open && net_socket_is_open(socket))
        finish_handshake(socket);
    net_socket_read_filter(socket);
}

void net_socket_receive_fin(net_socket *socket) {
    if (socket->has_fin)
        return;
    socket->has_fin = true;
    net_socket_poll(socket);
    if (!socket->tls) {
        tell_end(socket);
    } else if (net_socket_is_open(socket)) {
        net_socket_read_filter(socket);
    } else {
        net_error error;
        net_error_from_uv(&error, UV_ECONNRESET, "tls", NULL, -1);
        strcpy(error.text, "the peer closed the connection before the TLS handshake was over");
        net_socket_break(socket, &error);
    }
}

void net_socket_set_share(net_socket *socket, uint32_t octets) {
    socket->share = octets;
}

/* What of its share of this round of polling the socket has not used. */
static size_t share_left(net_socket *socket) {
    net_loop *loop = socket->member.loop;
    if (socket->share_round != loop->rounds) {
        socket->share_round = loop->rounds;
        socket->share_taken = 0;
        loop->reader_count++;
    }
    return socket->share > socket->share_taken ? socket->share - socket->share_taken : 0;
}

/* Without room libuv ends its reading for this round, by UV_ENOBUFS, and comes again in the next. */
static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
    (void)suggested;
    net_socket *socket = handle->data;
    net_loop *loop = socket->member.loop;
    size_t left = share_left(socket);
    size_t size = loop->is_shared ? NET_READ_BUFFER_OCTETS : socket->read_octets;
    buffer->base = (char *)loop->read_buffer;
    buffer->len = size < left ? size : left;
}

/* A peer that is the only one waits while it is told what one read brought. Of small frames less is read
 * at a time, then: what they bring about has left before the next are read, and both sides work at once.
 * Not with TLS, where nothing is told before a record is whole. */
static void adapt_read(net_socket *socket, size_t size, size_t asked, size_t events) {
    if (events > MANY_EVENTS && !socket->tls)
        socket->read_octets = size > 2 * MIN_READ_OCTETS ? (uint32_t)size / 2 : MIN_READ_OCTETS;
    else if (events < FEW_EVENTS && size == asked)
        socket->read_octets = socket->read_octets < NET_READ_BUFFER_OCTETS / 2
                                  ? socket->read_octets * 2
                                  : NET_READ_BUFFER_OCTETS;
}

void net_socket_receive(net_socket *socket, const uint8_t *data, size_t size) {
    socket->bytes_read += size;
    if (socket->tls)
        net_socket_receive_sealed(socket, data, size);
    else
        TELL(socket, on_data, socket, data, size);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer) {
    net_socket *socket = stream->data;
    if (size > 0) {
        net_loop *loop = socket->member.loop;
        size_t octets = (size_t)size, before = loop->event_count;
        socket->share_taken += (uint32_t)octets;
        net_socket_receive(socket, (const uint8_t *)buffer->base, octets);
        adapt_read(socket, octets, buffer->len, loop->event_count - before);
        net_loop_note_read(loop, octets, octets == buffer->len && octets < NET_READ_BUFFER_OCTETS);
    } else if (size == UV_EOF) {
        net_socket_receive_fin(socket);
    } else if (size < 0 && size != UV_ENOBUFS) {
        net_socket_break_uv(socket, (int)size, "read");
    }
}

void net_socket_poll(net_socket *socket) {
    bool is_handshaking = socket->has_begun_tls && !net_socket_is_open(socket) &&
                          !net_tls_is_asking(socket->tls) && !net_tls_is_queued(socket->tls);
    bool is_wanted = net_socket_is_connected(socket) && !socket->is_closing && !socket->is_failed &&
                     !socket->has_fin && (socket->is_reading || is_handshaking);
    if (is_wanted == socket->is_polling)
        return;
    socket->is_polling = is_wanted;
    if (socket->is_carried) {
        socket->carrier->read(socket->carrier_context, is_wanted);
        return;
    }
    if (!is_wanted) {
        uv_read_stop(&socket->channel->stream);
        return;
    }
    int status = uv_read_start(&socket->channel->stream, on_allocate, on_read);
    if (status != 0) {
        socket->is_polling = false;
        net_socket_break_uv(socket, status, "read");
    }
}

void net_socket_read_start(net_socket *socket) {
    socket->is_reading = true;
    if (socket->is_cut_short) {
        socket->is_cut_short = false;
        net_socket_set_due(socket, DUE_PLAIN);
    }
    net_socket_poll(socket);
}

void net_socket_read_stop(net_socket *socket) {
    socket->is_reading = false;
    net_socket_poll(socket);
}

bool net_socket_is_reading(const net_socket *socket) {
    return socket->is_reading;
}
