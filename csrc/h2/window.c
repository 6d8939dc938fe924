#include "h2/window.h"

static int flow_fault(uint32_t stream_id, const char *text, h2_fault *fault) {
    if (stream_id == 0)
        return h2_fault_session(fault, H2_FLOW_CONTROL_ERROR, text);
    return h2_fault_stream(fault, stream_id, H2_FLOW_CONTROL_ERROR, text);
}

int h2_window_grant(h2_window *window, uint32_t increment, uint32_t stream_id, h2_fault *fault) {
    if (window->left + increment > H2_MAX_WINDOW)
        return flow_fault(stream_id, "WINDOW_UPDATE past 2^31-1", fault);
    window->left += increment;
    return H2_OK;
}

int h2_window_shift(h2_window *window, int64_t delta, int64_t peak, h2_fault *fault) {
    if (window->left + peak > H2_MAX_WINDOW)
        return h2_fault_session(fault, H2_FLOW_CONTROL_ERROR,
                                "SETTINGS_INITIAL_WINDOW_SIZE takes a window past 2^31-1");
    window->left += delta;
    return H2_OK;
}

int h2_window_spend(h2_window *window, uint32_t n, uint32_t stream_id, h2_fault *fault) {
    if (n > 0 && window->left < (int64_t)n)
        return flow_fault(stream_id, "DATA past the flow-control window", fault);
    window->left -= n;
    return H2_OK;
}

void h2_inflow_init(h2_inflow *inflow, uint32_t limit) {
    *inflow = (h2_inflow){.window.left = limit, .limit = limit};
}

static int64_t octets_owed(const h2_inflow *inflow) {
    return (int64_t)inflow->limit - inflow->window.left - inflow->unread;
}

/* All that is owed. A window far below zero can owe more than one frame can say. */
static uint32_t pay(h2_inflow *inflow) {
    int64_t owed = octets_owed(inflow);
    uint32_t increment = owed > H2_MAX_WINDOW ? H2_MAX_WINDOW : (uint32_t)owed;
    inflow->window.left += increment;
    return increment;
}

bool h2_inflow_is_due(const h2_inflow *inflow) {
    return octets_owed(inflow) >= (inflow->limit > 1 ? inflow->limit / 2 : 1);
}

uint32_t h2_inflow_update(h2_inflow *inflow) {
    return h2_inflow_is_due(inflow) ? pay(inflow) : 0;
}

uint32_t h2_inflow_resize(h2_inflow *inflow, uint32_t limit) {
    bool has_grown = limit > inflow->limit;
    inflow->limit = limit;
    return has_grown && octets_owed(inflow) > 0 ? pay(inflow) : h2_inflow_update(inflow);
}

void h2_inflow_shift(h2_inflow *inflow, int64_t delta) {
    inflow->limit = (uint32_t)(inflow->limit + delta);
    inflow->window.left += delta;
}

void h2_inflow_revert(h2_inflow *inflow, uint32_t increment) {
    inflow->window.left -= increment;
}

uint32_t h2_inflow_consume(h2_inflow *inflow, size_t n) {
    uint32_t consumed = n < inflow->unread ? (uint32_t)n : inflow->unread;
    inflow->unread -= consumed;
    return consumed;
}
