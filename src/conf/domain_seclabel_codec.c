/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* seclabel and lxc:namespace. */
#include <string.h>

#include "conf/domain_codec.h"

STATIC_STRING_TABLE (seclabel_type_names, SECLABEL_LAST, NULL, "none", "dynamic", "static");
STATIC_STRING_TABLE (share_source_names, SHARE_SOURCE_LAST, "none", "name", "pid", "netns");
static const char *const share_elements[SHARE_LAST] = {
    [SHARE_NET] = "lxc:sharenet", [SHARE_IPC] = "lxc:shareipc", [SHARE_UTS] = "lxc:shareuts",
};

/* <label> or <imagelabel>: of a dynamic label it is made at start, so it is live-only. */
static void
live_label_codec (Codec *c, const char *element, char **v, gboolean persistent)
{
    if (codec_reading (c) || codec_live (c) || persistent)
        codec_element_string (c, element, v);
    if (codec_reading (c) && !codec_live (c) && !persistent)
        g_clear_pointer (v, g_free);
}

/* Longer ones libvirt takes for none. */
#define MODEL_MAX 256
#define LABEL_MAX 4096

static void
forget_longer (char **text, gsize most)
{
    if (*text && strlen (*text) > most)
        g_clear_pointer (text, g_free);
}

static void
judge_relabel (Codec *c, const SeclabelDef *label)
{
    if (label->type == SECLABEL_DYNAMIC && label->relabel == YES_NO_NO)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "dynamic label type must use resource relabeling");
    else if (label->type == SECLABEL_NONE && label->relabel == YES_NO_YES)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED,
                    "resource relabeling is not compatible with 'none' label type");
}

static void
labels_codec (Codec *c, SeclabelDef *label)
{
    live_label_codec (c, "label", &label->label, label->type == SECLABEL_STATIC);
    live_label_codec (c, "imagelabel", &label->imagelabel, FALSE);
    if (codec_reading (c))
        forget_longer (&label->label, LABEL_MAX);
    if (codec_reading (c) && label->type == SECLABEL_STATIC && !label->label)
        codec_fail (c, ERR_XML, "security label is missing");
    if (label->type != SECLABEL_DYNAMIC)
        return;                 /* a base is one to make a label of */
    codec_element_string (c, "baselabel", &label->baselabel);
    if (codec_reading (c))
        forget_longer (&label->baselabel, LABEL_MAX);
}

/* One is enough for a model. */
static void
judge_model (Codec *c, const SeclabelDef *label)
{
    const DomainDef *def = codec_owner (c);

    for (guint i = 0; i < def->seclabels->len; i++) {
        const SeclabelDef *other = g_ptr_array_index (def->seclabels, i);

        if (other != label && !g_strcmp0 (other->model, label->model))
            codec_fail (c, ERR_XML_DETAIL, "seclabel for model %s is already provided",
                        label->model ? label->model : "(null)");
    }
}

static void
seclabel_codec (Codec *c, void *object)
{
    SeclabelDef *label = object;

    codec_enum (c, "type", &label->type, &seclabel_type_names, 0);
    codec_string (c, "model", &label->model, 0);
    codec_enum (c, "relabel", &label->relabel, &yes_no_names, 0);
    if (codec_reading (c)) {
        forget_longer (&label->model, MODEL_MAX);
        judge_relabel (c, label);
    }
    if (codec_reading (c) && !g_strcmp0 (label->model, "none")) {
        label->type = SECLABEL_NONE;    /* the model has no labels */
        label->relabel = YES_NO_ABSENT;
    }
    if (codec_reading (c) && !label->type && label->model)
        codec_ignore (c, "@model");     /* its default is what is without it */
    if (label->type != SECLABEL_NONE)
        labels_codec (c, label);
    if (codec_reading (c))
        judge_model (c, label);
}

void
domain_seclabels_codec (Codec *c, DomainDef *def)
{
    codec_list (c, "seclabel", &def->seclabels, sizeof (SeclabelDef), seclabel_codec,
                seclabel_def_free);
}

static void
share_codec (Codec *c, const char *element, NamespaceShare *share)
{
    if (!codec_enter (c, element, share->set))
        return;
    if (codec_reading (c)) {
        g_autofree char *type = codec_take (c, "type", 0);
        int source = type ? string_table_value (&share_source_names, type) : -1;

        if (!type)
            codec_fail (c, ERR_INTERNAL, "No lxc environment type specified");
        else if (source < 0)
            codec_fail (c, ERR_INTERNAL, "Unknown LXC namespace source '%s'", type);
        share->source = source < 0 ? 0 : (guint) source;
        share->set = share->source != SHARE_SOURCE_NONE;    /* "none" is as good as absent */
    } else {
        codec_put (c, "type", string_table_name (&share_source_names, share->source));
    }
    codec_string (c, "value", &share->value, 0);
    if (codec_reading (c) && !share->value)
        codec_fail (c, ERR_INTERNAL, "No lxc environment type specified");
    codec_leave (c);
}

void
domain_namespace_codec (Codec *c, DomainDef *def)
{
    gboolean wanted = FALSE;

    for (guint i = 0; i < SHARE_LAST; i++)
        wanted |= def->shares[i].set;
    if (!codec_enter (c, "lxc:namespace", wanted))
        return;
    codec_unknown (c, ERR_CONFIG_UNSUPPORTED, "unsupported Namespace feature: %s");
    codec_adopt (c);
    codec_last (c, NULL);
    for (guint i = 0; i < SHARE_LAST; i++)
        share_codec (c, share_elements[i], &def->shares[i]);
    codec_leave (c);
}
