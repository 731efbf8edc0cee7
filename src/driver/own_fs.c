/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/own_fs.h"

#include <string.h>

#include "driver/device_rules.h"
#include "util/error.h"

void
own_fs_free (OwnFs *fs)
{
    if (!fs)
        return;
    errand_target_clear (&fs->target);
    g_ptr_array_unref (fs->targets);
    g_array_unref (fs->numbers);
    g_free (fs);
}

static gboolean
is_named (const FsDef *fs, char *const *mountpoints, guint n)
{
    for (guint i = 0; i < n; i++)
        if (strcmp (mountpoints[i], fs->target) == 0)
            return TRUE;
    return n == 0;
}

OwnFs *
own_fs_new (Domain *domain, char *const *mountpoints, guint n, const char *done, GError **error)
{
    g_autoptr (OwnFs) own = g_new0 (OwnFs, 1);
    const GPtrArray *all = domain->def->filesystems;

    own->targets = g_ptr_array_new_with_free_func (g_free);
    own->numbers = g_array_new (FALSE, TRUE, sizeof (PlanDevice));
    if (!errand_target (domain, &own->target, error))
        return NULL;
    for (guint i = 0; i < all->len; i++) {
        const FsDef *fs = all->pdata[i];
        PlanDevice numbers;

        if ((fs->type != FS_BLOCK && fs->type != FS_FILE) || !is_named (fs, mountpoints, n))
            continue;
        numbers = device_numbers_of (domain->instance, fs->alias);
        g_ptr_array_add (own->targets, g_strdup (fs->target));
        g_array_append_val (own->numbers, numbers);
    }
    if (n > 0 && own->targets->len != n)
        error_set (error, ERR_OPERATION_UNSUPPORTED,
                   "only file systems on a device or image of the container's own can be %s", done);
    else if (own->targets->len == 0)
        error_set (error, ERR_OPERATION_UNSUPPORTED,
                   "the container has no file system on a device or image of its own");
    else
        return g_steal_pointer (&own);
    return NULL;
}
