/* The loop and its turn. libuv asks for a prepare handle, waits, asks for a check handle: both run
 * the turn, and an active idle handle is how libuv is told not to wait in between. */
#include "net/internal.h"

#include <signal.h>
#include <unistd.h>

#include "base/mem.h"

/* What may be read before a turn comes in between: all that a thousand sockets bring in one round of
 * polling would be out of the processor's cache when it is answered. */
#define MANY_READS 4
#define MANY_OCTETS ((size_t)2 * 1024)

/* ---------------------------------------------------------------------------------- members */

void net_member_init(net_member *member, net_loop *loop, const net_member_class *class) {
    member->class = class;
    member->loop = loop;
    list_init(&member->_due);
    list_init(&member->_node);
    list_append(&loop->members, &member->_node);
}

void net_member_dispose(net_member *member) {
    list_remove(&member->_due);
    list_remove(&member->_node);
}

void net_member_due(net_member *member) {
    list_remove(&member->_due);
    list_append(&member->loop->due, &member->_due);
    net_loop_wake(member->loop);
}

/* What falls due meanwhile waits for the next round, so that this one ends. */
static void deliver_due(net_loop *loop) {
    list_node batch;
    list_init(&batch);
    net_list_move(&batch, &loop->due);
    list_node *node;
    while ((node = list_first(&batch)) != NULL) {
        net_member *member = LIST_ENTRY(node, net_member, _due);
        list_remove(node);
        member->class->deliver(member);
    }
}

/* ------------------------------------------------------------------------------------- turn */

static void on_idle(uv_idle_t *handle) {
    (void)handle; /* being active is all it is for */
}

void net_loop_wake(net_loop *loop) {
    if (!loop->is_closing)
        uv_idle_start(&loop->idle, on_idle);
}

static void run_turn(net_loop *loop) {
    loop->read_count = loop->read_octets = 0;
    deliver_due(loop);
    bool wants_more = loop->turn && loop->turn(loop->context);
    deliver_due(loop);
    net_opened_forget(loop);
    if (wants_more || !list_is_empty(&loop->due))
        net_loop_wake(loop);
    else
        uv_idle_stop(&loop->idle);
}

void net_loop_note_read(net_loop *loop, size_t octets, bool is_part) {
    loop->read_count++;
    loop->read_octets += octets;
    bool is_much = loop->read_count >= MANY_READS && loop->read_octets >= MANY_OCTETS;
    if ((is_much || is_part) && !loop->is_stopped && !loop->is_closing)
        run_turn(loop);
}

/* A burst of handshakes does not hold up the rest: signatures are made so many at a time. */
#define SIGNATURES_OF_TURN 8

static void on_prepare(uv_prepare_t *handle) {
    net_loop *loop = handle->data;
    loop->signatures = SIGNATURES_OF_TURN;
    run_turn(loop);
}

static void on_check(uv_check_t *handle) {
    net_loop *loop = handle->data;
    loop->rounds++;
    loop->is_shared = loop->reader_count > 1;
    loop->reader_count = 0;
    run_turn(loop);
}

/* -------------------------------------------------------------------------------- life cycle */

/* libuv writes with plain write(2): a peer that is gone would end the process. A handler that the
 * program has set is left alone. */
static void ignore_broken_pipes(void) {
    struct sigaction action;
    if (sigaction(SIGPIPE, NULL, &action) != 0 || action.sa_handler != SIG_DFL)
        return;
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

/* None of these handles can fail once the loop is made. */
static void open_hooks(net_loop *loop) {
    uv_idle_init(&loop->uv, &loop->idle);
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_check_init(&loop->uv, &loop->check);
    loop->prepare.data = loop;
    loop->check.data = loop;
    uv_prepare_start(&loop->prepare, on_prepare);
    uv_check_start(&loop->check, on_check);
    uv_unref((uv_handle_t *)&loop->prepare);
    uv_unref((uv_handle_t *)&loop->check);
}

int net_loop_new(net_loop **out, bool (*turn)(void *context), void *context) {
    net_loop *loop = mem_alloc(sizeof(*loop));
    if (!loop)
        return UV_ENOMEM;
    /* Not the buffers: their pages cost nothing until they are used. */
    memset(loop, 0, offsetof(net_loop, read_buffer));
    loop->pid = getpid();
    loop->turn = turn;
    loop->context = context;
    list_init(&loop->members);
    list_init(&loop->due);
    list_init(&loop->touched);
    list_init(&loop->opened);
    int status = UV_ENOMEM;
    if (h2_pool_new(&loop->pool) != 0)
        goto no_pool;
    status = uv_loop_init(&loop->uv);
    if (status != 0)
        goto no_loop;
    ignore_broken_pipes();
    open_hooks(loop);
    *out = loop;
    return 0;

no_loop:
    h2_pool_free(loop->pool);
no_pool:
    mem_free(loop);
    return status;
}

/* Closes the members, or what is owned by others once those have gone. */
static void close_members(net_loop *loop) {
    bool is_any = false;
    list_node *node = loop->members.next;
    while (node != &loop->members) {
        net_member *member = LIST_ENTRY(node, net_member, _node);
        node = node->next; /* some are freed by being closed */
        if (member->class->stop) {
            member->class->stop(member);
            continue;
        }
        is_any = true;
        member->class->close(member);
    }
    for (node = loop->members.next; !is_any && node != &loop->members;) {
        net_member *member = LIST_ENTRY(node, net_member, _node);
        node = node->next;
        member->class->close(member);
    }
}

static void close_stray(uv_handle_t *handle, void *context) {
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void net_loop_free(net_loop *loop) {
    if (!loop)
        return;
    net_loop_fork(loop);
    loop->is_closing = true;
    uv_close((uv_handle_t *)&loop->idle, NULL);
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->check, NULL);
    /* A callback that says "closed" may make new objects: again, until there are none. */
    do {
        close_members(loop);
        deliver_due(loop);
        uv_run(&loop->uv, UV_RUN_DEFAULT);
        if (list_is_empty(&loop->members))
            uv_walk(&loop->uv, close_stray, NULL);
    } while (!list_is_empty(&loop->members) || uv_loop_close(&loop->uv) == UV_EBUSY);
    net_opened_forget(loop);
    h2_pool_free(loop->pool);
    mem_free(loop);
}

/* ---------------------------------------------------------------------------------- running */

static bool run(net_loop *loop, uv_run_mode mode) {
    bool was_awake = uv_is_active((uv_handle_t *)&loop->idle);
    run_turn(loop);
    if (mode != UV_RUN_DEFAULT) {
        /* What there was to do is done now, or stop was said: nothing to wait for. */
        if (was_awake || loop->is_stopped)
            mode = UV_RUN_NOWAIT;
        uv_run(&loop->uv, mode);
        return net_loop_is_alive(loop);
    }
    /* Handles that close are told after the check handle: the turn looks once more at the end. */
    do {
        uv_run(&loop->uv, UV_RUN_DEFAULT);
        if (!loop->is_stopped)
            run_turn(loop);
    } while (!loop->is_stopped && net_loop_is_alive(loop));
    return net_loop_is_alive(loop);
}

bool net_loop_run(net_loop *loop, uv_run_mode mode) {
    net_loop_refresh_clock(loop);
    loop->is_stopped = false;
    loop->is_running = true;
    bool is_alive = run(loop, mode);
    loop->is_running = false;
    return is_alive;
}

void net_loop_stop(net_loop *loop) {
    loop->is_stopped = true;
    uv_stop(&loop->uv);
}

bool net_loop_is_alive(const net_loop *loop) {
    return uv_loop_alive(&loop->uv) != 0;
}

int net_loop_fork(net_loop *loop) {
    pid_t pid = getpid();
    if (loop->pid == pid)
        return 0;
    loop->pid = pid;
    return uv_loop_fork(&loop->uv);
}

/* ---------------------------------------------------------------------------------- look-ups */

void net_loop_refresh_clock(net_loop *loop) {
    if (!loop->is_running)
        uv_update_time(&loop->uv);
}

uv_loop_t *net_loop_uv(net_loop *loop) {
    return &loop->uv;
}

h2_pool *net_loop_pool(net_loop *loop) {
    return loop->pool;
}

uint64_t net_loop_now(net_loop *loop) {
    net_loop_refresh_clock(loop);
    return uv_now(&loop->uv);
}
