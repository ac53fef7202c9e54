/* SPDX-License-Identifier: Apache-2.0 */
/* Names, ids and incarnations: which topic a lane's number means at each time; what waits for a
 * name, within its bound; which brokers count as seen. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "verify/registry.h"

static struct pt_mem mem;
static struct pt_registry *reg;

static int setup(void **state)
{
    (void)state;
    pt_mem_init(&mem, 16u << 20);
    reg = pt_registry_open(&mem, 4096);
    return reg ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    pt_registry_close(reg);
    return mem.used_sz ? -1 : 0;
}

static void *message(enum pt_obs_kind kind, size_t sz)
{
    struct pt_obs *o = calloc(1, sz + 64);

    assert_non_null(o);
    o->kind = (uint16_t)kind;
    o->size = (uint32_t)(sz + 7) & ~7u;
    return o;
}

static void topic(uint32_t number, const char *name, uint8_t id)
{
    struct pt_obs_topic *o = message(PT_OBS_TOPIC, sizeof(*o) + strlen(name));

    o->head.topic = number;
    o->id[0] = id;
    o->name_len = (uint32_t)strlen(name);
    memcpy(o->name, name, o->name_len);
    assert_true(pt_registry_topic(reg, 0, o));
    free(o);
}

static void topic_id(const char *name, uint8_t id)
{
    struct pt_obs_topic_id *o = message(PT_OBS_TOPIC_ID, sizeof(*o) + strlen(name));

    o->id[0] = id;
    o->name_len = (uint32_t)strlen(name);
    memcpy(o->name, name, o->name_len);
    assert_true(pt_registry_topic_id(reg, o));
    free(o);
}

static void deleted(uint8_t id, int64_t at_ns)
{
    struct pt_obs_topic_id *o = message(PT_OBS_TOPIC_DELETED, sizeof(*o));

    o->head.at.time_ns = at_ns;
    o->id[0] = id;
    pt_registry_deleted(reg, o);
    free(o);
}

static struct pt_topic *resolve_at(uint32_t number, int64_t at_ns)
{
    struct pt_obs o = { .topic = number, .at = { .time_ns = at_ns } };
    struct pt_id *id;

    return pt_registry_resolve(reg, 0, &o, &id);
}

static struct pt_topic *resolve(uint32_t number)
{
    return resolve_at(number, 0);
}

static void test_first_id_belongs_to_the_known_name(void **state)
{
    struct pt_topic *t;

    (void)state;
    topic(1, "a", 0);
    t = resolve(1);
    assert_non_null(t);
    topic_id("a", 5);
    assert_ptr_equal(resolve(1), t);
    assert_int_equal(t->id[0], 5);
    topic(2, "", 5);
    assert_ptr_equal(resolve(2), t);
}

static void test_another_id_is_another_incarnation(void **state)
{
    struct pt_topic *t;

    (void)state;
    topic(1, "a", 5);
    t = resolve(1);
    topic(2, "a", 0);
    assert_ptr_equal(resolve(2), t);
    topic_id("a", 6);
    assert_ptr_equal(resolve(1), t);
    assert_ptr_not_equal(resolve(2), t); /* the name means the newest */
    assert_int_equal(resolve(2)->incarnation, 1);
    topic_id("a", 5); /* an old answer, late */
    assert_int_equal(resolve(2)->incarnation, 1);
}

static void test_deleted_name(void **state)
{
    struct pt_topic *t;

    (void)state;
    topic(1, "a", 5);
    topic(2, "a", 0);
    t = resolve(1);
    deleted(5, 1000);
    assert_ptr_equal(resolve_at(2, 2000), t); /* still under way */
    assert_int_equal(resolve_at(2, 1001 + PT_DELETE_SETTLE_NS)->incarnation, 1);
    topic_id("a", 6);
    assert_int_equal(resolve_at(2, 1002 + PT_DELETE_SETTLE_NS)->id[0], 6);
}

static const struct pt_given_id given[] = {
    { .topic = "a", .id = { 5 } },
    { .topic = "a", .id = { 6 } },
    { .topic = "b", .id = { 7 } },
    { .topic = "c", .cluster = 1, .id = { 8 } },
};

/* The operator's names count from the first use of an id on, so that lives come up as they are. */
static void test_given_names(void **state)
{
    struct pt_topic *t;

    (void)state;
    pt_registry_give(reg, given, 4);
    assert_null(pt_registry_find(reg, 0, "a"));
    topic(1, "", 6);
    t = resolve(1);
    assert_string_equal(t->name->text, "a");
    assert_int_equal(t->incarnation, 0);
    topic(2, "a", 0);
    assert_ptr_equal(resolve(2), t);
    topic(3, "", 5);
    assert_int_equal(resolve(3)->incarnation, 1);
    topic_id("a", 6); /* the cluster says the same */
    assert_ptr_equal(resolve(1), t);
    assert_null(pt_registry_find_id(reg, 0, t->id)->wrong);
    topic(4, "", 8); /* of the other cluster */
    assert_null(resolve(4));
}

/* The cluster's word goes before that. What was seen before it came is nobody's. */
static void test_given_a_wrong_name(void **state)
{
    struct pt_topic *a;

    (void)state;
    pt_registry_give(reg, given, 4);
    topic_id("x", 7); /* in time */
    topic(1, "", 7);
    assert_string_equal(resolve(1)->name->text, "x");
    assert_ptr_equal(pt_registry_find_id(reg, 0, given[2].id)->wrong, &given[2]);
    topic(2, "", 5);
    topic(3, "a", 0);
    a = resolve(2);
    assert_ptr_equal(resolve(3), a);
    topic_id("y", 5); /* too late */
    assert_true(a->misnamed);
    assert_string_equal(resolve(2)->name->text, "y");
    assert_false(resolve(2)->misnamed);
    assert_ptr_equal(pt_registry_find_id(reg, 0, given[0].id)->wrong, &given[0]);
    topic_id("y", 5);
    assert_string_equal(resolve(2)->name->text, "y");
}

static void test_numbers_that_mean_nothing(void **state)
{
    struct pt_obs o = { .topic = 7, .cluster = 1 };
    struct pt_id *id;

    (void)state;
    topic(7, "a", 0); /* of cluster 0 */
    assert_null(pt_registry_resolve(reg, 0, &o, &id));
    assert_null(id);
    assert_null(resolve(8));
    assert_null(resolve(UINT32_MAX));
}

static void test_waiting_is_bounded_and_in_order(void **state)
{
    struct pt_record rec[4] = {
        { .content = 1 }, { .content = 2 }, { .content = 3 }, { .content = 4 }
    };
    struct pt_id *a;
    struct pt_id *b;
    struct pt_waiting *w;
    uint64_t dropped;
    uint64_t total = 0;

    (void)state;
    topic(1, "", 5);
    topic(2, "", 6);
    a = pt_registry_id(reg, 0, (uint8_t[16]){ 5 });
    b = pt_registry_id(reg, 0, (uint8_t[16]){ 6 });
    for (uint32_t i = 0; i < 20; i++) {
        struct pt_obs_batch o = { .head = { .kind = PT_OBS_BATCH, .size = sizeof(o) },
                                  .request = i };

        assert_true(pt_registry_wait(reg, i % 2 ? a : b, 0, &o.head, rec, 4, &dropped));
        total += dropped;
        assert_true(reg->wait_sz <= reg->wait_max_sz);
    }
    assert_true(total > 0 && total < 20);
    assert_int_equal(a->dropped_cnt + b->dropped_cnt, total);
    for (uint32_t i = 0, at = 0; (w = pt_registry_waited(reg, a)); i++) {
        const struct pt_obs_batch *o = (const void *)w->bytes;

        assert_true(i == 0 || o->request == at + 2);
        at = o->request;
        assert_int_equal(pt_waiting_records(w)[3].content, 4);
        pt_registry_free_waiting(reg, w);
    }
    assert_null(a->tail);
    while ((w = pt_registry_waited(reg, b)))
        pt_registry_free_waiting(reg, w);
    assert_int_equal(reg->wait_sz, 0);
    assert_null(reg->wait_head);
    assert_null(reg->wait_tail);
}

static void test_internal(void **state)
{
    static const struct {
        const char *name;
        bool internal;
        const char *why;
    } row[] = {
        { "__consumer_offsets", true, "Kafka's own" },
        { "heartbeats", true, "MirrorMaker 2" },
        { "dc1.heartbeats", true, "MirrorMaker 2" },
        { "dc1.checkpoints.internal", true, "MirrorMaker 2" },
        { "mm2-offset-syncs.dc2.internal", true, "MirrorMaker 2" },
        { "mm2-clean-orders", false, "a person's topic that only begins like one" },
        { "connect-status", true, "Connect" },
        { "connect-events", false, "not one of Connect's three" },
        { "orders", false, "" },
        { "_schemas", false, "Kafka does not know it" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++)
        assert_int_equal(pt_topic_internal(row[i].name), row[i].internal);
}

static struct pt_broker *broker(int32_t node, const char *host)
{
    struct pt_obs_broker *o = message(PT_OBS_BROKER, sizeof(*o) + strlen(host));

    o->node_id = node;
    o->host_len = (uint32_t)strlen(host);
    memcpy(o->host, host, o->host_len);
    assert_true(pt_registry_broker(reg, o));
    free(o);
    return pt_registry_node(reg, 0, node);
}

static void test_broker_seen(void **state)
{
    static const uint8_t ip[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1 };
    struct pt_topic *t;
    struct pt_part *part;

    (void)state;
    pt_registry_served(reg, 0, ip);
    broker(1, "10.0.0.1");
    broker(2, "10.0.0.2");
    broker(3, "kafka-3.example");
    assert_true(pt_registry_broker_seen(reg, 0, pt_registry_node(reg, 0, 1)));
    assert_false(pt_registry_broker_seen(reg, 0, pt_registry_node(reg, 0, 2)));
    assert_false(pt_registry_broker_seen(reg, 0, pt_registry_node(reg, 0, 3)));
    topic(1, "a", 5);
    t = resolve(1);
    part = pt_registry_part(reg, t, 0);
    part->leader_id = 3;
    pt_registry_answered(reg, 0, part);
    assert_true(pt_registry_broker_seen(reg, 0, pt_registry_node(reg, 0, 3)));
    broker(2, "::ffff:10.0.0.1"); /* another listener of the same node */
    assert_true(pt_registry_broker_seen(reg, 0, pt_registry_node(reg, 0, 2)));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_first_id_belongs_to_the_known_name),
        T(test_another_id_is_another_incarnation),
        T(test_deleted_name),
        T(test_given_names),
        T(test_given_a_wrong_name),
        T(test_numbers_that_mean_nothing),
        T(test_waiting_is_bounded_and_in_order),
        T(test_internal),
        T(test_broker_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
