#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct item {
    int number;
    list_node node;
} item;

static int number_of(list_node *node) {
    return LIST_ENTRY(node, item, node)->number;
}

static void keeps_the_order_of_appending_and_prepending(void **state) {
    (void)state;
    list_node list;
    item items[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    list_init(&list);
    list_append(&list, &items[1].node);
    list_append(&list, &items[2].node);
    list_prepend(&list, &items[0].node);
    int expected = 1;
    for (list_node *node = list_first(&list); node != &list; node = node->next)
        assert_int_equal(number_of(node), expected++);
    assert_int_equal(expected, 4);
}

static void is_empty_until_a_node_comes_and_after_the_last_has_gone(void **state) {
    (void)state;
    list_node list;
    item only = {.number = 7};
    list_init(&list);
    assert_true(list_is_empty(&list));
    assert_null(list_first(&list));
    list_append(&list, &only.node);
    assert_false(list_is_empty(&list));
    assert_int_equal(number_of(list_first(&list)), 7);
    list_remove(&only.node);
    assert_true(list_is_empty(&list));
}

static void removes_a_node_from_the_middle_and_again_without_harm(void **state) {
    (void)state;
    list_node list;
    item items[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    list_init(&list);
    for (int i = 0; i < 3; i++)
        list_append(&list, &items[i].node);
    list_remove(&items[1].node);
    list_remove(&items[1].node);
    assert_true(list_is_empty(&items[1].node));
    assert_ptr_equal(items[0].node.next, &items[2].node);
    assert_ptr_equal(items[2].node.prev, &items[0].node);
    list_append(&list, &items[1].node);
    assert_ptr_equal(list.prev, &items[1].node);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_order_of_appending_and_prepending),
        cmocka_unit_test(is_empty_until_a_node_comes_and_after_the_last_has_gone),
        cmocka_unit_test(removes_a_node_from_the_middle_and_again_without_harm),
    };
    return cmocka_run_group_tests_name("base/list", tests, NULL, NULL);
}
