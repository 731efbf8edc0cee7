/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Screens of virtual machines; see passive.h for the words. */
#include "conf/passive_rules.h"

#define PASSWORD "passwd^ passwdValidTo connected"

const PassiveRow passive_graphics_rows[] = {
    { "graphics[vnc]",
      "type! socket port:j autoport websocket:i- listen% keymap "
      "sharePolicy:default|allow-exclusive|force-shared|ignore- powerControl:y " PASSWORD,
      "listen* audio:sound-audio", NULL, rule_vnc },
    { "graphics[rdp]", "type! port:j autoport replaceUser:~no|yes- multiUser:~no|yes- listen%",
      "listen*", NULL, rule_rdp },
    { "graphics[spice]",
      "type! port:i- tlsPort:i- autoport:y listen% keymap defaultMode:any|secure|insecure- " PASSWORD,
      "listen* channel* image jpeg zlib playback streaming mouse clipboard filetransfer gl", NULL,
      rule_spice },
    { "graphics[sdl]", "type! display xauth fullscreen:no|yes-", "gl:screen-gl", NULL },
    { "graphics[desktop]", "type! display fullscreen:no|yes-", NULL, NULL },
    { "graphics[egl-headless]", "type!", "gl:headless-gl", NULL },
    { "graphics[dbus]", "type! p2p:no|yes- address", "gl audio:sound-audio", NULL, rule_dbus_screen },
    { "graphics", "type:sdl|vnc|rdp|desktop|spice|egl-headless|dbus!", NULL, NULL },
    { "listen", "type:none|address|network|socket! address% network% socket%", NULL, NULL,
      rule_listen },
    { "screen-gl", "enable:y!", NULL, NULL },
    { "headless-gl", "rendernode", NULL, NULL },
    { "gl", "enable:y! rendernode", NULL, NULL },
    { "graphics/channel",
      "name:main|display|inputs|cursor|playback|record|smartcard|usbredir! mode:any|secure|insecure!",
      NULL, NULL },
    { "image", "compression:auto_glz|auto_lz|quic|glz|lz|off!", NULL, NULL },
    { "jpeg", "compression:auto|never|always!", NULL, NULL },
    { "zlib", "compression:auto|never|always!", NULL, NULL },
    { "playback", "compression:o!", NULL, NULL },
    { "streaming", "mode:filter|all|off!", NULL, NULL },
    { "graphics/mouse", "mode:server|client!", NULL, NULL },
    { "filetransfer", "enable:y!", NULL, NULL },
    { NULL },
};
