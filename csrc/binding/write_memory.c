#include "base/mem.h"
#include "binding/duplex.h"

#define KEPT_WRITES 256
#ifdef __SANITIZE_ADDRESS__
#define KEEPS_WRITES false /* so that a use too late is seen */
#else
#define KEEPS_WRITES true
#endif

lh2_write *lh2_write_take(lh2_runtime *runtime, size_t size) {
    if (size > LH2_SMALL_WRITE)
        return mem_alloc(size);
    list_node *link = list_first(&runtime->spare_writes);
    if (!link)
        return mem_alloc(LH2_SMALL_WRITE);
    list_remove(link);
    runtime->spare_write_count--;
    return LIST_ENTRY(link, lh2_write, all);
}

void lh2_write_drop(lh2_runtime *runtime, lh2_write *write) {
    list_remove(&write->all);
    bool is_kept = KEEPS_WRITES && write->is_small && !runtime->is_closing &&
                   runtime->spare_write_count < KEPT_WRITES;
    if (!is_kept) {
        mem_free(write);
        return;
    }
    list_append(&runtime->spare_writes, &write->all);
    runtime->spare_write_count++;
}

void lh2_write_free_spare(lh2_runtime *runtime) {
    while (!list_is_empty(&runtime->spare_writes)) {
        lh2_write *write = LIST_ENTRY(list_first(&runtime->spare_writes), lh2_write, all);
        list_remove(&write->all);
        mem_free(write);
    }
}
