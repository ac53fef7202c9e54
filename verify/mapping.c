/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/mapping.h"

#include <stdio.h>
#include <string.h>

const char *pt_unpaired_text(enum pt_unpaired_why why)
{
    static const char *const text[] = {
        [PT_UNPAIRED_NOT] = "",
        [PT_UNPAIRED_INTERNAL] = "internal topic",
        [PT_UNPAIRED_EXCLUDED] = "out of scope by configuration",
        [PT_UNPAIRED_NO_PARTNER] = "no topic of that name on the target",
        [PT_UNPAIRED_AMBIGUOUS] = "several topics on the target could be its copy",
        [PT_UNPAIRED_TAKEN] = "the topic of that name on the target is paired with another topic",
        [PT_UNPAIRED_INCARNATION] = "the other cluster shows no such incarnation of the topic",
        [PT_UNPAIRED_TARGET_ONLY] = "only the target has it",
        [PT_UNPAIRED_UNNAMED] = "its topic id was never named on the tap",
    };

    return text[why];
}

/* MirrorMaker 2 names its own topics on the target after the source's alias (kafka-wire.md 8.2). */
static bool alias_known(const struct pt_policy *policy, const struct pt_registry *r,
                        const char *alias, int alias_len)
{
    static const char *const form[] = {
        "%.*s.heartbeats",          "%.*s.checkpoints.internal", "mm2-offsets.%.*s.internal",
        "mm2-status.%.*s.internal", "mm2-configs.%.*s.internal", "mm2-offset-syncs.%.*s.internal",
    };
    char name[PT_TOPIC_NAME_MAX + 64];

    for (size_t i = 0; i < policy->alias_cnt; i++)
        if ((int)strlen(policy->aliases[i]) == alias_len &&
            !memcmp(policy->aliases[i], alias, (size_t)alias_len))
            return true;
    for (size_t i = 0; !policy->alias_cnt && i < sizeof(form) / sizeof(*form); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(name, sizeof(name), form[i], alias_len, alias);
#pragma GCC diagnostic pop
        if (pt_registry_find(r, PT_CLUSTER_TARGET, name))
            return true;
    }
    return false;
}

void pt_mapping_scan(const struct pt_policy *policy, struct pt_registry *r,
                     struct pt_name *const *names, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++) {
        names[i]->aliased = NULL;
        names[i]->prefixed = NULL;
        names[i]->prefixed_cnt = 0;
    }
    for (size_t i = 0; i < cnt; i++) {
        struct pt_name *n = names[i];

        if (n->cluster != PT_CLUSTER_TARGET || n->internal)
            continue;
        for (char *dot = strchr(n->text, '.'); dot; dot = strchr(dot + 1, '.')) {
            struct pt_name *source = pt_registry_find(r, PT_CLUSTER_SOURCE, dot + 1);

            if (!source || dot == n->text)
                continue;
            source->prefixed = n;
            source->prefixed_cnt++;
            if (alias_known(policy, r, n->text, (int)(dot - n->text)))
                source->aliased = n;
        }
    }
}

struct pt_mapped pt_mapping_find(const struct pt_policy *policy, const struct pt_registry *r,
                                 const struct pt_name *source)
{
    struct pt_mapped m = { .why = PT_UNPAIRED_NO_PARTNER, .rule = PT_PAIR_CONFIGURED };
    bool configured = false;

    if (source->internal || pt_policy_excludes(policy, source->text) ||
        !pt_policy_includes(policy, source->text)) {
        m.why = source->internal ? PT_UNPAIRED_INTERNAL : PT_UNPAIRED_EXCLUDED;
        return m;
    }
    for (size_t i = 0; i < policy->rule_cnt && !configured; i++)
        if (!strcmp(policy->rules[i].source, source->text)) {
            /* The operator's word goes before any guess, also if that topic does not exist. */
            m.target = pt_registry_find(r, PT_CLUSTER_TARGET, policy->rules[i].target);
            configured = true;
        }
    if (!configured && source->aliased) {
        m.target = source->aliased;
        m.rule = PT_PAIR_ALIAS;
    } else if (!configured) {
        m.target = pt_registry_find(r, PT_CLUSTER_TARGET, source->text);
        m.rule = PT_PAIR_SAME_NAME;
        if (!m.target && source->prefixed_cnt == 1) {
            m.target = source->prefixed;
            m.rule = PT_PAIR_ALIAS;
        } else if (!m.target && source->prefixed_cnt) {
            m.why = PT_UNPAIRED_AMBIGUOUS;
        }
    }
    if (m.target && pt_policy_excludes(policy, m.target->text)) {
        m.target = NULL;
        m.why = PT_UNPAIRED_EXCLUDED;
    } else if (m.target) {
        m.why = PT_UNPAIRED_NOT;
    }
    return m;
}
