/* TLS as a filter: octets of the wire go in and come out of two buffers, which mbedTLS takes for
 * its transport. Both are freed whenever they run empty, so that an idle connection holds none. */
#include "net/tls.h"

#include <string.h>

#include "base/mem.h"
#include "net/internal.h"

#define RECORD_OCTETS ((size_t)16384) /* RFC 8446 §5.1: plain text of one record */

/* What the peer may spend on records that carry nothing, before it is taken for an attack. */
#define MAX_IDLE_RECORDS 100
#define MAX_EXPANSION 8
#define FREE_OCTETS ((uint64_t)1024 * 1024)

enum { RECORD_FIRST = 20, RECORD_ALERT = 21, RECORD_HANDSHAKE = 22, RECORD_LAST = 23 };
enum { VERSION_MAJOR = 3, ALERT_LEVEL_FATAL = 2 };

static const tls_junk not_tls = {"ERR_SSL_WRONG_VERSION_NUMBER", "what the peer sent is not TLS"};
static const tls_junk idle = {"ERR_SSL_UNEXPECTED_RECORD",
                              "the peer sent too many TLS records without data"};
static const tls_junk wasteful = {"ERR_SSL_UNEXPECTED_RECORD",
                                  "the peer sent too much TLS for too little data"};
static const tls_junk renegotiation = {"ERR_SSL_UNEXPECTED_RECORD",
                                       "the peer began a TLS renegotiation, which HTTP/2 forbids"};

/* --------------------------------------------------------------------------------- transport */

/* Looks at the header of a record from the peer; what is wrong with it, or NULL. */
static const tls_junk *judge_record(net_tls *tls) {
    const uint8_t *header = tls->record_header;
    tls->record_left = bytes_get_u16(header + 3);
    tls->is_clear_alert = header[0] == RECORD_ALERT && tls->record_left == 2;
    if (header[0] < RECORD_FIRST || header[0] > RECORD_LAST || header[1] != VERSION_MAJOR)
        return &not_tls;
    if (++tls->idle_records > MAX_IDLE_RECORDS)
        return &idle;
    if (tls->received > MAX_EXPANSION * tls->plain + FREE_OCTETS)
        return &wasteful;
    /* Before its end a handshake is in the clear; after it, in TLS 1.2 as in 1.3, only a new one
     * would show: RFC 9113 §9.2.1 forbids it. */
    if (tls->is_established && header[0] == RECORD_HANDSHAKE)
        return &renegotiation;
    return NULL;
}

/* Follows the records in what mbedTLS is given. False for junk. */
static bool watch_records(net_tls *tls, const uint8_t *data, size_t size) {
    tls->received += size;
    while (size > 0) {
        if (tls->record_left > 0) {
            size_t step = size < tls->record_left ? size : tls->record_left;
            tls->record_left = (uint16_t)(tls->record_left - step);
            if (tls->is_clear_alert && tls->record_left == 0)
                tls->alert_received = data[step - 1];
            data += step;
            size -= step;
            continue;
        }
        tls->record_header[tls->record_header_size++] = *data++;
        size--;
        if (tls->record_header_size < sizeof(tls->record_header))
            continue;
        tls->record_header_size = 0;
        tls->junk = judge_record(tls);
        if (tls->junk)
            return false;
    }
    return true;
}

static int receive(void *context, unsigned char *into, size_t max) {
    net_tls *tls = context;
    size_t size = tls->input.size - tls->input_offset;
    if (size == 0)
        return MBEDTLS_ERR_SSL_WANT_READ;
    if (size > max)
        size = max;
    const uint8_t *data = tls->input.data + tls->input_offset;
    if (!watch_records(tls, data, size))
        return MBEDTLS_ERR_SSL_INVALID_RECORD;
    memcpy(into, data, size);
    tls->input_offset += size;
    if (tls->input_offset == tls->input.size) {
        bytes_buffer_dispose(&tls->input);
        tls->input_offset = 0;
    }
    return (int)size;
}

static int deliver(void *context, const unsigned char *data, size_t size) {
    net_tls *tls = context;
    if (bytes_buffer_append(&tls->output, data, size) != 0) {
        tls->is_out_of_memory = true;
        return MBEDTLS_ERR_SSL_ALLOC_FAILED;
    }
    /* 2.28 has no error of its own for some failures that have an alert of their own. */
    if (size == 7 && data[0] == RECORD_ALERT && data[5] == ALERT_LEVEL_FATAL)
        tls->alert_sent = data[6];
    return (int)size;
}

/* -------------------------------------------------------------------------------------- steps */

/* Nothing in common, be it a suite or, found later and without a word to the peer, a curve. */
static bool is_unsaid(const net_tls *tls, int result) {
#if TLS_IS_3
    bool is_mismatch = result == MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE;
#else
    bool is_mismatch = result == MBEDTLS_ERR_SSL_NO_CIPHER_CHOSEN;
#endif
    return is_mismatch && tls->alert_sent == 0;
}

/* The connection is over; says the same ever after. */
static net_tls_status fail(net_tls *tls, int result, net_error *error) {
    if (tls->result == 0) {
        tls->result = result;
        if (tls->junk)
            mbedtls_ssl_send_alert_message(&tls->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                           MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE);
        else if (is_unsaid(tls, result))
            mbedtls_ssl_send_alert_message(&tls->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                           MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE);
    }
    if (tls->is_out_of_memory || tls->result == MBEDTLS_ERR_SSL_ALLOC_FAILED)
        return NET_TLS_NOMEM;
    tls_error_describe(error, tls->result, tls);
    return NET_TLS_ERROR;
}

/* Of TLS 1.3, at any time. */
static bool is_ticket(int result) {
#if TLS_HAS_1_3
    return result == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET;
#else
    (void)result;
    return false;
#endif
}

/* Whether mbedTLS merely wants to be called again. */
static bool is_passing(int result) {
    return result == MBEDTLS_ERR_SSL_WANT_WRITE || is_ticket(result);
}

/* A resumed session is as good as the one it continues: that one may have been of laxer rules. */
static bool is_acceptable(const net_tls *tls) {
    const net_tls_context *rules = tls->rules;
    bool is_asking = !rules->is_server || rules->request_cert;
    if (!rules->reject_unauthorized || !is_asking)
        return true;
    return tls_verify_result(tls) == 0 &&
           (!rules->is_server || tls->is_full || mbedtls_ssl_get_peer_cert(&tls->ssl));
}

/* Whether the next step is the server's signature. */
static bool is_signing(const net_tls *tls) {
    if (!tls->context->is_server || tls->has_signed)
        return false;
#if TLS_HAS_1_3
    if (tls->ssl.tls_version == MBEDTLS_SSL_VERSION_TLS1_3)
        return tls->ssl.state == MBEDTLS_SSL_CERTIFICATE_VERIFY;
#endif
    return tls->ssl.state == MBEDTLS_SSL_SERVER_KEY_EXCHANGE && tls->is_full;
}

/* Takes one of the signatures that are left; false if there is none. */
static bool take_signature(net_tls *tls) {
    if (tls->signatures) {
        if (*tls->signatures == 0)
            return false;
        --*tls->signatures;
    }
    tls->has_signed = true;
    return true;
}

static net_tls_status shake_hands(net_tls *tls, net_error *error) {
    tls->is_queued = false;
    while (tls->ssl.state != MBEDTLS_SSL_HANDSHAKE_OVER) {
        if (is_signing(tls) && !take_signature(tls)) {
            tls->is_queued = true;
            return NET_TLS_OK;
        }
        if (tls->ssl.state == MBEDTLS_SSL_SERVER_CERTIFICATE)
            tls->is_full = true;
        net_tls *outer = tls->context->stepping; /* whose key log has brought us here */
        tls->context->stepping = tls;
        int result = mbedtls_ssl_handshake_step(&tls->ssl);
        tls->context->stepping = outer;
        if (result == MBEDTLS_ERR_SSL_WANT_READ)
            return NET_TLS_OK;
        if (result != 0 && !is_passing(result))
            return fail(tls, result, error);
    }
    if (!is_acceptable(tls)) {
        mbedtls_ssl_send_alert_message(&tls->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                       MBEDTLS_SSL_ALERT_MSG_BAD_CERT);
        return fail(tls, MBEDTLS_ERR_X509_CERT_VERIFY_FAILED, error);
    }
    tls->is_established = true;
    tls->has_news = strcmp(mbedtls_ssl_get_version(&tls->ssl), "TLSv1.2") == 0;
    tls->idle_records = 0;
    if (tls->session_id_size == 0)
        bytes_buffer_dispose(&tls->session); /* resumed or not, it is done with */
    return NET_TLS_OK;
}

net_tls_status net_tls_start(net_tls *tls, net_error *error) {
    return tls->result != 0 ? fail(tls, tls->result, error) : shake_hands(tls, error);
}

net_tls_status net_tls_feed(net_tls *tls, const uint8_t *data, size_t size, net_error *error) {
    if (tls->result == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY && tls->is_established)
        return NET_TLS_OK; /* RFC 8446 §6.1: what follows is ignored */
    if (tls->result != 0)
        return fail(tls, tls->result, error);
    if (tls->input_offset > 0) {
        bytes_buffer_drop(&tls->input, tls->input_offset);
        tls->input_offset = 0;
    }
    if (size > 0 && bytes_buffer_append(&tls->input, data, size) != 0)
        return NET_TLS_NOMEM;
    if (tls->is_established || tls_hello_is_waiting(tls))
        return NET_TLS_OK;
    return tls->result != 0 ? fail(tls, tls->result, error) : shake_hands(tls, error);
}

bool net_tls_is_established(const net_tls *tls) {
    return tls->is_established;
}

void net_tls_share_signatures(net_tls *tls, unsigned *left) {
    tls->signatures = left;
}

bool net_tls_is_queued(const net_tls *tls) {
    return tls->is_queued;
}

/* ---------------------------------------------------------------------------------- plain text */

/* What reading comes to after `result`, when no more plain text can be had. */
static net_tls_status stop_reading(net_tls *tls, int result, net_error *error) {
    if (result != MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
        return fail(tls, result, error);
    tls->result = MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY;
    return NET_TLS_END;
}

/* Plain text of one record: how many octets, or mbedTLS's error. */
static int open_record(net_tls *tls, uint8_t *into, size_t max) {
    int result;
    bool was_over;
    do {
        was_over = tls->ssl.state == MBEDTLS_SSL_HANDSHAKE_OVER;
        result = mbedtls_ssl_read(&tls->ssl, into, max);
        tls->has_news |= is_ticket(result);
        /* A session ticket of TLS 1.3 is first announced, by a state and a false WANT_READ, and
         * taken in by the next call. */
    } while (is_passing(result) || (result == MBEDTLS_ERR_SSL_WANT_READ && was_over &&
                                    tls->ssl.state != MBEDTLS_SSL_HANDSHAKE_OVER));
    return result != 0 ? result : MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY;
}

net_tls_status net_tls_read(net_tls *tls, uint8_t *into, size_t max, size_t *size,
                            net_error *error) {
    *size = 0;
    if (!tls->is_established)
        return NET_TLS_OK;
    if (tls->result != 0)
        return stop_reading(tls, tls->result, error);
    while (*size < max) {
        int result = open_record(tls, into + *size, max - *size);
        if (result == MBEDTLS_ERR_SSL_WANT_READ)
            return NET_TLS_OK;
        if (result < 0) {
            net_tls_status status = stop_reading(tls, result, error);
            return *size > 0 ? NET_TLS_OK : status; /* told by the next call */
        }
        *size += (size_t)result;
        tls->plain += (uint64_t)result;
        tls->idle_records = 0;
    }
    return NET_TLS_OK;
}

static int seal(net_tls *tls, const uint8_t *data, size_t size) {
    while (size > 0) {
        int result = mbedtls_ssl_write(&tls->ssl, data, size);
        if (result > 0) {
            data += result;
            size -= (size_t)result;
        } else if (!is_passing(result)) {
            return result;
        }
    }
    return 0;
}

/* Room for the records in one go, rather than by growing step by step. */
static bool reserve_output(net_tls *tls, const bytes_slice *slices, size_t count,
                           size_t max_octets) {
    size_t total = 0;
    for (size_t i = 0; i < count && total < max_octets; i++)
        total += slices[i].size;
    if (total > max_octets)
        total = max_octets;
    size_t overhead = 64 + total / 128;
    return bytes_buffer_reserve(&tls->output, total + overhead) == 0;
}

/* With TLS 1.3 mbedTLS pads, and so takes an octet less than a record could carry. */
static size_t record_octets(const net_tls *tls) {
    int size = mbedtls_ssl_get_max_out_record_payload(&tls->ssl);
    return size > 0 && (size_t)size < RECORD_OCTETS ? (size_t)size : RECORD_OCTETS;
}

/* The next record's plain text: from where it lies if it lies in one piece, else gathered. */
static bytes_slice next_record(const bytes_slice *slices, size_t count, size_t *index,
                               size_t *offset, uint8_t *scratch, size_t max) {
    size_t left = slices[*index].size - *offset;
    if (left >= max || *index == count - 1) {
        size_t size = left < max ? left : max;
        bytes_slice record = bytes_slice_of(slices[*index].data + *offset, size);
        *offset += size;
        if (size == left) {
            ++*index;
            *offset = 0;
        }
        return record;
    }
    size_t filled = 0;
    while (*index < count && filled < max) {
        left = slices[*index].size - *offset;
        size_t size = left < max - filled ? left : max - filled;
        if (size > 0)
            memcpy(scratch + filled, slices[*index].data + *offset, size);
        filled += size;
        *offset += size;
        if (size == left) {
            ++*index;
            *offset = 0;
        }
    }
    return bytes_slice_of(scratch, filled);
}

net_tls_status net_tls_write(net_tls *tls, const bytes_slice *slices, size_t count,
                             size_t max_octets, size_t *taken, net_error *error) {
    uint8_t scratch[RECORD_OCTETS];
    size_t index = 0, offset = 0;
    *taken = 0;
    if (!tls->is_established)
        return NET_TLS_OK;
    if (tls->result != 0 && tls->result != MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
        return fail(tls, tls->result, error);
    if (!reserve_output(tls, slices, count, max_octets))
        return NET_TLS_NOMEM;
    size_t max_record = record_octets(tls);
    while (index < count && net_tls_output(tls).size < max_octets) {
        bytes_slice record = next_record(slices, count, &index, &offset, scratch, max_record);
        int result = seal(tls, record.data, record.size);
        if (result != 0)
            return fail(tls, result, error);
        *taken += record.size;
    }
    return NET_TLS_OK;
}

net_tls_status net_tls_close_notify(net_tls *tls) {
    mbedtls_ssl_close_notify(&tls->ssl);
    return tls->is_out_of_memory ? NET_TLS_NOMEM : NET_TLS_OK;
}

bytes_slice net_tls_output(const net_tls *tls) {
    return bytes_slice_of(tls->output.data + tls->output_offset,
                          tls->output.size - tls->output_offset);
}

void net_tls_sent(net_tls *tls, size_t octets) {
    tls->output_offset += octets;
    if (tls->output_offset < tls->output.size)
        return;
    bytes_buffer_dispose(&tls->output);
    tls->output_offset = 0;
}

/* --------------------------------------------------------------------------------- life cycle */

static int set_servername(net_tls *tls, const char *servername) {
    if (servername) {
        tls->servername = mem_alloc(strlen(servername) + 1);
        if (!tls->servername)
            return UV_ENOMEM;
        strcpy(tls->servername, servername);
        tls->is_address = net_parse_address(servername, 0, NULL) != 0;
    }
    if (tls->context->is_server)
        return 0;
    /* RFC 6066 §3: an address is not sent. Even without a name 3.6 wants to be told so. */
    int result = mbedtls_ssl_set_hostname(&tls->ssl, tls->is_address ? NULL : servername);
    if (result == 0)
        return 0;
    return result == MBEDTLS_ERR_SSL_ALLOC_FAILED ? UV_ENOMEM : UV_EINVAL;
}

int net_tls_new(net_tls **out, net_tls_context *context, const char *servername,
                bytes_slice session) {
    net_tls *tls = mem_alloc(sizeof(*tls));
    if (!tls)
        return UV_ENOMEM;
    memset(tls, 0, sizeof(*tls));
    mbedtls_ssl_init(&tls->ssl);
    tls->context = net_tls_context_ref(context);
    tls->rules = net_tls_context_ref(context);
    if (!context->is_server || context->request_cert)
        tls_trust_prepare(context);
    int status = UV_ENOMEM;
    if (mbedtls_ssl_setup(&tls->ssl, &context->config) != 0)
        goto failed;
    status = set_servername(tls, servername);
    if (status != 0)
        goto failed;
    mbedtls_ssl_set_bio(&tls->ssl, tls, deliver, receive, NULL);
    mbedtls_ssl_set_verify(&tls->ssl, tls_verify_certificate, tls);
    tls_keylog_attach(tls);
    tls_session_restore(tls, session);
    *out = tls;
    return 0;

failed:
    net_tls_free(tls);
    return status;
}

void net_tls_leave_name(net_tls *tls) {
    tls->is_name_unchecked = true;
}

void net_tls_free(net_tls *tls) {
    if (!tls)
        return;
    mbedtls_ssl_free(&tls->ssl);
    bytes_buffer_dispose(&tls->input);
    bytes_buffer_dispose(&tls->output);
    bytes_buffer_dispose(&tls->session);
    mem_free(tls->servername);
    net_tls_context_unref(tls->given);
    net_tls_context_unref(tls->rules);
    net_tls_context_unref(tls->context);
    mem_free(tls->own_config);
    mem_free(tls);
}
