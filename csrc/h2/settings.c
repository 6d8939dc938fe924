#include "h2/settings.h"

#include "base/mem.h"

void h2_settings_init(h2_settings *settings) {
#define SETTINGS_INITIAL(name, id, value) .name = (value),
    *settings = (h2_settings){H2_SETTINGS_MAP(SETTINGS_INITIAL)};
#undef SETTINGS_INITIAL
}

int h2_settings_check(h2_setting setting, h2_fault *fault) {
    switch (setting.id) {
    case H2_SETTINGS_ENABLE_PUSH:
    case H2_SETTINGS_ENABLE_CONNECT_PROTOCOL:
    case H2_SETTINGS_NO_RFC7540_PRIORITIES:
        if (setting.value > 1)
            return h2_fault_session(fault, H2_PROTOCOL_ERROR, "setting that is neither 0 nor 1");
        return H2_OK;
    case H2_SETTINGS_INITIAL_WINDOW_SIZE:
        if (setting.value > H2_MAX_31_BIT)
            return h2_fault_session(fault, H2_FLOW_CONTROL_ERROR,
                                    "SETTINGS_INITIAL_WINDOW_SIZE over 2^31-1");
        return H2_OK;
    case H2_SETTINGS_MAX_FRAME_SIZE:
        if (setting.value < H2_LEAST_MAX_FRAME_SIZE || setting.value > 0xffffff)
            return h2_fault_session(fault, H2_PROTOCOL_ERROR,
                                    "SETTINGS_MAX_FRAME_SIZE out of range");
        return H2_OK;
    default:
        return H2_OK;
    }
}

bool h2_setting_is_valid(h2_setting setting) {
    h2_fault fault;
    return h2_settings_check(setting, &fault) == H2_OK;
}

int h2_settings_set(h2_settings *settings, h2_setting setting) {
    switch (setting.id) {
#define SETTINGS_CASE(name, number, value_)                                                        \
    case number:                                                                                   \
        settings->name = setting.value;                                                            \
        return H2_OK;
        H2_SETTINGS_MAP(SETTINGS_CASE)
#undef SETTINGS_CASE
    default:
        return H2_GONE;
    }
}

void h2_settings_set_custom(h2_settings *settings, h2_setting setting) {
    size_t i = 0;
    while (i < settings->custom_count && settings->custom[i].id != setting.id)
        i++;
    if (i == H2_MAX_CUSTOM_SETTINGS)
        return;
    settings->custom[i] = setting;
    if (i == settings->custom_count)
        settings->custom_count++;
}

int h2_settings_sent_new(h2_settings_sent **out, const h2_setting *entries, size_t count) {
    h2_settings_sent *sent = mem_alloc(sizeof(*sent) + count * sizeof(*entries));
    if (!sent)
        return H2_NOMEM;
    list_init(&sent->link);
    sent->count = count;
    if (count)
        memcpy(sent->entries, entries, count * sizeof(*entries));
    *out = sent;
    return H2_OK;
}
