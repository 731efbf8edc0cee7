/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How large a disk is. Image files may lie on a server that does not answer: looked at by a task. */
#include <sys/stat.h>

#include "driver/api.h"
#include "driver/domain_usage.h"
#include "host/block.h"
#include "util/task.h"

typedef struct {
    guint64 allocation, capacity, physical;
} BlockInfo;

typedef struct {
    char *path;
    dev_t device;               /* that it is attached to; 0 none */
} BlockQuestion;

static void
question_free (gpointer data)
{
    BlockQuestion *question = data;

    g_free (question->path);
    g_free (question);
}

static gpointer
block_look (gpointer data, GError **error)
{
    const BlockQuestion *question = data;
    const char *path = question->path;
    g_autofree BlockInfo *info = g_new0 (BlockInfo, 1);
    struct stat st;

    if (stat (path, &st) < 0) {
        error_set_errno (error, errno, "failed to stat '%s'", path);
        return NULL;
    }
    if (S_ISREG (st.st_mode)) {
        info->capacity = info->physical = (guint64) st.st_size;
        info->allocation = (guint64) st.st_blocks * 512;
        /* a qcow2 is smaller than what it holds; only the device knows */
        if (question->device)
            block_size (question->device, &info->capacity);
    } else if (S_ISBLK (st.st_mode) && block_size (st.st_rdev, &info->capacity)) {
        info->physical = info->allocation = info->capacity;
    } else {
        error_set (error, ERR_OPERATION_INVALID, "'%s' is no image file and no block device", path);
        return NULL;
    }
    return g_steal_pointer (&info);
}

static void
block_looked (gpointer result, GError *error, gpointer data)
{
    g_autofree BlockInfo *info = result;
    Call *call = data;
    domain_get_block_info_ret *out = call->out;

    if (!info) {
        call_failed (call, g_error_copy (error));
        return;
    }
    out->allocation = info->allocation;
    out->capacity = info->capacity;
    out->physical = info->physical;
    call_done (call);
}

ApiResult
api_domain_get_block_info (Call *call, const domain_get_block_info_args *in,
                           domain_get_block_info_ret *out, GError **error)
{
    g_autoptr (GHashTable) loops = NULL;
    g_autoptr (GArray) blocks = domain_blocks (call->domain, &loops);
    const DomainBlock *block = domain_block_find (blocks, in->path, error);
    g_autofree char *owner = g_strconcat (call->domain->def->name, "/block", NULL);
    BlockQuestion *question;

    (void) out;
    if (!block)
        return API_FAILED;
    if (!block->path) {
        error_set (error, ERR_OPERATION_INVALID, "disk '%s' has no source", block->name);
        return API_FAILED;
    }
    question = g_new0 (BlockQuestion, 1);
    *question = (BlockQuestion) { g_strdup (block->path), block->device };
    task_run_waiting (owner, block_look, question, question_free, block_looked, call);
    return API_LATER;
}
