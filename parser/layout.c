/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/layout.h"

const struct pt_layout *pt_layout_find(int16_t api_key, enum pt_dir dir, int16_t version)
{
    const struct pt_layout_api *api;

    if (api_key < 0 || api_key >= PT_API_CNT)
        return NULL;
    api = &pt_layout_apis[api_key];
    if (version < 0 || version >= api->cnt)
        return NULL;
    return &pt_layouts[api->first[dir] + version];
}

const struct pt_layout *pt_layout_find_record(uint32_t type, uint32_t version)
{
    if (type >= PT_RECORD_CNT || version >= pt_layout_records[type].cnt)
        return NULL;
    return &pt_layouts[pt_layout_records[type].first + version];
}

int pt_layout_header_version(const struct pt_layout *l)
{
    return l->header_version;
}

bool pt_layout_same(const struct pt_layout *a, const struct pt_layout *b)
{
    return a->at == b->at && a->header_version == b->header_version;
}

const char *pt_api_name(int16_t api_key)
{
    return api_key >= 0 && api_key < PT_API_CNT ? pt_layout_apis[api_key].name : NULL;
}

int16_t pt_api_max_version(int16_t api_key)
{
    if (api_key < 0 || api_key >= PT_API_CNT)
        return -1;
    return (int16_t)(pt_layout_apis[api_key].cnt - 1);
}
