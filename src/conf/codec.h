/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One function per XML element, both directions.
 *
 * A Codec knows whether it reads or writes; the element's function lists attributes and children
 * once, in the order in which they are written (reading takes them in any order). The first error
 * stays: every later call does nothing. What is read is ticked off, and whatever is left when an
 * element is left (an attribute, a known child, text, a second copy) is ignored, as libvirt does, but
 * named: nothing is ever dropped silently. An element that nobody knows is an error: it may be a
 * misspelt <readonly/>.
 * Defaults and judgement are not the codec's; freeing is separate.
 *
 * Errors carry their place, error_place(): " (line 12, /domain/devices/sound)".
 */
#pragma once

#include <glib.h>
#include <libxml/tree.h>

#include "util/error.h"
#include "util/strtab.h"

typedef struct Codec Codec;
typedef void (*CodecFn) (Codec *c, void *object);

typedef enum {
    FIELD_REQUIRED = 1 << 0,    /* reading: absent is an error */
    FIELD_KEEP_ZERO = 1 << 1,   /* writing: print also the zero value */
    FIELD_NO_EMPTY = 1 << 2,    /* reading: an empty value is as good as none */
    FIELD_POSITIVE = 1 << 3,    /* zero is refused */
    FIELD_CONFIG = 1 << 4,      /* a bad value is ERR_CONFIG_UNSUPPORTED, not ERR_XML */
    FIELD_OCTAL = 1 << 5,       /* 0644 */
    FIELD_HEX = 1 << 6,         /* written 0x1d6b; reading takes decimal, 0x.. and 0.. */
    FIELD_ANY_BASE = 1 << 7,    /* reading as FIELD_HEX, written decimal */
} FieldFlags;

typedef enum {
    CODEC_LIVE = 1 << 0,        /* live-only parts count; else they are read and forgotten */
    CODEC_STATUS = 1 << 1,      /* parts that only a status file has */
    CODEC_SECURE = 1 << 2,      /* passwords are written */
    CODEC_MEANT = 1 << 3,       /* what only says which one is meant: it may lack what makes it */
} CodecFlags;

/* Items of one list: more than anyone has, few enough that comparing each with each takes no
 * time. */
#define CODEC_LIST_MAX 1024

/* A unit of sizes in a definition's members. */
typedef enum { SIZE_BYTES, SIZE_KIB } SizeUnit;

typedef struct {
    const char *what;           /* the path's end: "hub@type", "parent/element@attribute!" */
    ErrorCode code;
    const char *text;           /* at most one %s, the value */
} CodecWording;

/* What a kind of document is. */
typedef struct {
    const char *root;           /* "domain" */
    ErrorOrigin origin;
    /* libvirt's own words for what is wrong: a path with "@type" (the attribute's value) behind,
     * "@type!" (it is absent), nothing (the text), "#" (whatever is wrong with the size), "/name!" (no
     * such child), "/name+" (there is another). NULL: the usual ones.
     * May be NULL. */
    const CodecWording *(*wording) (const char *path);
    /* Whether an element @name below @parent is one that may be ignored, because libvirt ignores it,
     * or means nothing to a container; others are misspelt. May be NULL: none. */
    gboolean (*known) (const char *parent, const char *name);
    /* Where among the faults that count late, codec_fail_later(), one of the element at @path is:
     * the lowest one wins. May be NULL: the first one does. */
    guint (*rank) (const char *path);
} CodecGrammar;

/* Namespace of elements written with the prefix "lxc:". */
#define LXC_NAMESPACE "http://libvirt.org/schemas/domain/lxc/1.0"

/* Paths of what is ignored (char *) are added to @ignored; NULL: it is an error. */
gboolean codec_read (xmlNode *root, const CodecGrammar *grammar, guint flags, CodecFn fn,
                     void *object, GPtrArray *ignored, GError **error);
/* Appends to @out, the root element indented by @level steps. */
void codec_write (GString *out, guint level, const CodecGrammar *grammar, guint flags, CodecFn fn,
                  const void *object);

/* Reads into @to what codec_write() would write of @from, without the text between; that has at most
 * @ret_size bytes (may be NULL). FALSE when it cannot be read: then the text could not be, either. */
gboolean codec_copy (const CodecGrammar *grammar, guint flags, CodecFn fn, const void *from, void *to,
                     gsize *ret_size, GError **error);

/* What the items of lists belong to, for those that are judged by the rest of it. */
void codec_own (Codec *c, const void *owner);
const void *codec_owner (const Codec *c);

gboolean codec_reading (const Codec *c);
/* Whether live-only parts count in this run; of status-only parts. */
gboolean codec_live (const Codec *c);
gboolean codec_meant (const Codec *c);
gboolean codec_status (const Codec *c);
gboolean codec_secure (const Codec *c);     /* of passwords */
gboolean codec_failed (const Codec *c);
const char *codec_name (const Codec *c);    /* of the current element */
char *codec_path (const Codec *c);          /* "/domain/devices/disk"; the caller frees */
char *codec_parent_path (const Codec *c);   /* "/domain/devices" */
/* Reading: fails with the place of the current element. Writing: nothing. */
void codec_fail (Codec *c, ErrorCode code, const char *format, ...) G_GNUC_PRINTF (3, 4);
/* The same for what libvirt finds wrong only when it has read the whole document: while it completes
 * the definition, or afterwards, when it judges it. Of these the first by stage and by the grammar's
 * rank counts, and only when nothing else is wrong. codec_failed() stays FALSE. */
typedef enum { CODEC_COMPLETED, CODEC_JUDGED } CodecStage;
void codec_fail_later (Codec *c, CodecStage stage, ErrorCode code, const char *format, ...)
    G_GNUC_PRINTF (4, 5);
/* Hands over what failed so, with its stage; NULL: nothing. What nobody takes fails at the end. */
GError *codec_take_later (Codec *c, CodecStage *ret_stage);
/* Reading: the child @element, ticked off with all that is in it, for what no function here covers;
 * NULL when there is none. */
xmlNode *codec_take_child (Codec *c, const char *element);
/* Writing: where whole lines can be appended as children of the current element. Not of what is
 * copied: a document of its own. */
GString *codec_raw (Codec *c);
/* Writing: @text, which is one element, as a child. */
void codec_put_document (Codec *c, const char *text);
/* Writing: an element with nothing in it is written with an end tag. */
void codec_keep_open (Codec *c);
/* Reading: names @what ("@attr", "text()", a child) of the current element as ignored. */
void codec_ignore (Codec *c, const char *what);
/* Reading: ignores every child @element whose attribute @attr is there and of which @unwanted. */
void codec_forget (Codec *c, const char *element, const char *attr,
                   gboolean (*unwanted) (const char *value, gconstpointer data), gconstpointer data);
/* Unknown children of the current element fail with @code and @format, which has one %s. */
void codec_unknown (Codec *c, ErrorCode code, const char *format);

/* Reading: whether two of the current element's children may have one name: mostly not, and cheaper to
 * know than to merge. */
gboolean codec_repeated (const Codec *c);
/* Reading, of the current element or (not NULL) its child @inside: of several children @element the
 * first gets what is in the others, and their attributes: those that it has not, or (@last) those of the
 * last instead of its own. As libvirt's paths do. */
void codec_merge (Codec *c, const char *inside, const char *element, gboolean last);
/* Of several children of one name the last counts. */
void codec_last (Codec *c, const char *inside);
/* Reading: the names (const char *) of the current element's children, as they stand. */
GPtrArray *codec_children (const Codec *c);
/* Reading: children are of the current element's namespace, whatever they say. */
void codec_adopt (Codec *c);

/* Reading: TRUE when there is such a child, the first of several. Writing: TRUE when @wanted. After
 * TRUE codec_leave() must follow. */
gboolean codec_enter (Codec *c, const char *element, gboolean wanted);
/* The same; several are an error, "only one ELEMENT is supported". */
gboolean codec_only (Codec *c, const char *element, gboolean wanted);
/* Reading: no child of the current element is left that is not ticked off. */
gboolean codec_drained (const Codec *c);
/* Reading: whether the current element is within one of that name, or is one. */
gboolean codec_within (const Codec *c, const char *element);
/* Reading: how many children @element there are, taken or not. */
guint codec_count (const Codec *c, const char *element);
/* Reading: enters the next child @element that is not ticked off; without @many only the first, as
 * codec_enter(). For loops; there are bounds of codec_list(). */
gboolean codec_next (Codec *c, const char *element, gboolean many);
void codec_leave (Codec *c);

/* ---- attributes of the current element */
void codec_enum (Codec *c, const char *attr, guint *v, const StringTable *names, FieldFlags flags);
void codec_uint (Codec *c, const char *attr, guint *v, FieldFlags flags);
void codec_uint64 (Codec *c, const char *attr, guint64 *v, FieldFlags flags);
void codec_int (Codec *c, const char *attr, int *v, int absent);  /* >= 0; not written when @absent */
void codec_signed (Codec *c, const char *attr, int *v, FieldFlags flags);   /* always written */
void codec_string (Codec *c, const char *attr, char **v, FieldFlags flags);
void codec_yes (Codec *c, const char *attr, gboolean *v);           /* attr='yes', or nothing */
/* Live-only: read and forgotten, or not written, unless codec_live(). */
void codec_live_string (Codec *c, const char *attr, char **v);
/* Reading: a size of @text in @unit (NULL, "": @initial), of an attribute @attr or (NULL) the current
 * element's text; in KiB, rounded up, or bytes of signed or unsigned (wide) 64 bits. FALSE: failed. */
typedef enum { CODEC_SIZE_BYTES, CODEC_SIZE_KIB, CODEC_SIZE_WIDE } CodecSize;
gboolean codec_parse_size (Codec *c, const char *attr, const char *text, const char *unit,
                           const char *initial, CodecSize size, guint64 *ret);
/* attr='4096' unit_attr='KiB': read in any unit, kept in bytes, written in KiB. */
void codec_scaled (Codec *c, const char *attr, const char *unit_attr, guint64 *bytes);
/* The two that the others are made of: the attribute's value, ticked off, which the caller frees
 * (NULL when absent or after an error); and writing one. */
char *codec_take (Codec *c, const char *attr, FieldFlags flags);
void codec_put (Codec *c, const char *attr, const char *value);
/* Reading: as codec_take(), but not ticked off. */
char *codec_peek (Codec *c, const char *attr);
/* codec_peek() of the element that the current one is in. */
char *codec_peek_parent (Codec *c, const char *attr);
/* Reading: whether an element before the current one, of its name and parent, has the same @attr. */
gboolean codec_repeats (Codec *c, const char *attr);
/* codec_peek() of the first child @element. */
char *codec_peek_child (Codec *c, const char *element, const char *attr);
/* Reading: whether the first child @element is there and has text. */
gboolean codec_child_has_text (Codec *c, const char *element);
/* codec_fail() with the grammar's words, else "Invalid value for attribute ...", code by @flags. */
void codec_bad_value (Codec *c, const char *attr, const char *value, FieldFlags flags);
/* The same with @why behind: ". Expected integer value"; or one of these. */
#define CODEC_ZERO "Zero is not permitted"
#define CODEC_BITMAP "Failed to parse bitmap"
#define CODEC_SIZE "invalid size"
void codec_bad_value_because (Codec *c, const char *attr, const char *value, const char *why);
void codec_bad_text (Codec *c, const char *value);
/* Fails with the grammar's words for END of the current element, if it has some. */
gboolean codec_worded (Codec *c, const char *end, const char *value);
void codec_missing (Codec *c, const char *attr);     /* a required attribute is */
void codec_missing_child (Codec *c, const char *element);

/* ---- text of the current element */
gboolean codec_has_text (const Codec *c);           /* reading: not empty */
void codec_text (Codec *c, char **v);               /* "" is NULL */
/* An empty text leaves *v alone, as if the element were absent. */
void codec_text_uint (Codec *c, guint *v);
void codec_text_uint64 (Codec *c, guint64 *v);
void codec_text_int64 (Codec *c, gint64 *v);
/* Reading: the text, which the caller frees; NULL after an error. */
char *codec_take_text (Codec *c);
void codec_put_text (Codec *c, const char *text);

/* ---- whole elements */
void codec_element_string (Codec *c, const char *element, char **v);    /* <element>v</element> */
void codec_element_uint (Codec *c, const char *element, guint *v);      /* 0: not written */
void codec_element_uint64 (Codec *c, const char *element, guint64 *v);  /* 0: not written */
void codec_element_enum (Codec *c, const char *element, guint *v, const StringTable *names,
                         FieldFlags flags);
void codec_flag (Codec *c, const char *element, gboolean *v);           /* <element/> */
/* <element unit='KiB'>v</element>; *v counts @unit. */
void codec_size (Codec *c, const char *element, guint64 *v, SizeUnit unit, gboolean wanted);
/* The same for the current element, which the caller entered. */
void codec_size_here (Codec *c, guint64 *v, SizeUnit unit);
/* Every child <element> is one @size-byte object in @list; reading makes the list (with @free_item)
 * even when it stays empty. */
void codec_list (Codec *c, const char *element, GPtrArray **list, gsize size, CodecFn fn,
                 GDestroyNotify free_item);
/* Every child <element> is one string. */
void codec_text_list (Codec *c, const char *element, GPtrArray **list);
