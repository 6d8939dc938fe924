#include "h2/support/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define FRAME_OCTETS 16384

static void put(path_queue *queue, path_item item) {
    assert_true(queue->count < PATH_ITEMS);
    queue->items[(queue->first + queue->count++) % PATH_ITEMS] = item;
}

/* Takes what has arrived first. */
static bool take(path_queue *queue, uint64_t now_ms, path_item *item) {
    if (queue->count == 0 || queue->items[queue->first].arrives_ms > now_ms)
        return false;
    *item = queue->items[queue->first];
    queue->first = (queue->first + 1) % PATH_ITEMS;
    queue->count--;
    return true;
}

void path_open(path *far, peer *p, size_t streams) {
    far->peer = p;
    far->streams = streams;
    far->window = 65535;
    for (size_t i = 0; i < streams; i++) {
        far->uploads[i].window = 65535;
        peer_post(p, (uint32_t)(2 * i + 1));
    }
    peer_run(p);
    peer_frames(p);
}

/* --------------------------------------------------------------------------------- the far end */

static void send(path *far, size_t octets) {
    for (size_t i = 0, turns = 0; octets > 0 && turns < far->streams; i = (i + 1) % far->streams) {
        path_upload *upload = &far->uploads[i];
        int64_t n = FRAME_OCTETS;
        int64_t bounds[] = {(int64_t)octets, upload->window, far->window};
        for (size_t j = 0; j < 3; j++)
            n = bounds[j] < n ? bounds[j] : n;
        turns = n > 0 ? 0 : turns + 1;
        if (n <= 0)
            continue;
        put(&far->there, (path_item){far->peer->now_ms + far->way_ms, H2_FRAME_DATA,
                                     (uint32_t)(2 * i + 1), (uint32_t)n});
        upload->window -= n;
        upload->sent += (size_t)n;
        far->window -= n;
        octets -= (size_t)n;
    }
}

static void hear(path *far) {
    path_item item;
    uint64_t now_ms = far->peer->now_ms;
    while (take(&far->back, now_ms, &item)) {
        if (item.type == H2_FRAME_PING && !far->is_mute)
            put(&far->there, (path_item){now_ms + far->way_ms, H2_FRAME_PING, 0, 0});
        else if (item.type == H2_FRAME_WINDOW_UPDATE && item.stream_id == 0)
            far->window += item.octets;
        else if (item.type == H2_FRAME_WINDOW_UPDATE)
            far->uploads[item.stream_id / 2].window += item.octets;
    }
}

/* -------------------------------------------------------------------------------- the near end */

static size_t deliver(path *far) {
    path_item item;
    size_t octets = 0;
    while (take(&far->there, far->peer->now_ms, &item)) {
        if (item.type == H2_FRAME_PING)
            peer_frame(far->peer, H2_FRAME_PING, H2_FLAG_ACK, 0, "own ping", 8);
        else
            peer_data(far->peer, 0, item.stream_id, item.octets);
        octets += item.octets;
    }
    peer_run(far->peer);
    return octets;
}

static void read(path *far) {
    uint32_t every_ms = far->read_every_ms;
    if (far->peer->is_reading || (every_ms > 0 && far->peer->now_ms % every_ms != 0))
        return;
    for (size_t i = 0; i < far->streams; i++)
        h2_session_consume(far->peer->session, (uint32_t)(2 * i + 1), far->read_per_ms,
                           far->peer->now_ms);
    peer_run(far->peer);
}

/* Sends on its way what the session has written, which the trace has as text. */
static void note_frames(path *far) {
    uint64_t arrives_ms = far->peer->now_ms + far->way_ms;
    for (const char *text = peer_frames(far->peer); *text;) {
        path_item item = {.arrives_ms = arrives_ms};
        if (sscanf(text, "WINDOW_UPDATE %u %u", &item.stream_id, &item.octets) == 2) {
            item.type = H2_FRAME_WINDOW_UPDATE;
        } else {
            assert_memory_equal(text, "PING", 4);
            item.type = H2_FRAME_PING;
            far->pings++;
        }
        put(&far->back, item);
        const char *end = strstr(text, "; ");
        text = end ? end + 2 : "";
    }
}

size_t path_run(path *far, uint64_t ms) {
    size_t octets = 0;
    for (uint64_t end_ms = far->peer->now_ms + ms; far->peer->now_ms < end_ms;) {
        far->peer->now_ms++;
        far->peer->is_reading = far->read_per_ms == PATH_AT_ONCE && far->read_every_ms == 0;
        octets += deliver(far);
        read(far);
        note_frames(far);
        peer_events(far->peer);
        hear(far);
        send(far, far->octets_per_ms);
    }
    return octets;
}
