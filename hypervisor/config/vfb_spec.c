#include "hypervisor/config/vfb_spec.h"

#include <errno.h>
#include <string.h>

#include "hypervisor/config/keys.h"
#include "hypervisor/config/lexer.h"
#include "hypervisor/config/parts.h"

static int boolean(const char *value, bool *ret, struct err *e)
{
	return bool_read(value, ret) ? 0 : fail(e, EINVAL, "\"%s\" is neither 0 nor 1", value);
}

static int set_type(void *obj, const char *value, struct arena *a, struct err *e)
{
	struct vfb *v = obj;

	(void)a;
	if (strcmp(value, "vnc") != 0 && strcmp(value, "sdl") != 0)
		return fail(e, EINVAL, "\"%s\" is not a type of framebuffer: vnc or sdl", value);
	v->d.vnc = !strcmp(value, "vnc");
	v->d.sdl = !v->d.vnc;
	return 0;
}

static int set_vnc(void *obj, const char *value, struct arena *a, struct err *e)
{
	(void)a;
	return boolean(value, &((struct vfb *)obj)->d.vnc, e);
}

static int set_sdl(void *obj, const char *value, struct arena *a, struct err *e)
{
	(void)a;
	return boolean(value, &((struct vfb *)obj)->d.sdl, e);
}

static int set_opengl(void *obj, const char *value, struct arena *a, struct err *e)
{
	(void)a;
	return boolean(value, &((struct vfb *)obj)->d.opengl, e);
}

static int set_unused(void *obj, const char *value, struct arena *a, struct err *e)
{
	(void)a;
	return boolean(value, &((struct vfb *)obj)->unused, e);
}

static int set_listen(void *obj, const char *value, struct arena *a, struct err *e)
{
	struct vfb *v = obj;
	int display = -1, rc = listen_split(value, a, &v->d.listen, &display, e);

	if (rc == 0 && display >= 0)
		v->d.number = display;
	return rc;
}

static int set_display(void *obj, const char *value, struct arena *a, struct err *e)
{
	uint64_t v;

	(void)a;
	if (!number_read(value, &v) || v > key_rule(KEY_vncdisplay)->max)
		return fail(e, EINVAL, "\"%s\" is not a VNC display, 0 to %llu", value,
		            (unsigned long long)key_rule(KEY_vncdisplay)->max);
	((struct vfb *)obj)->d.number = (int)v;
	return 0;
}

static int set_passwd(void *obj, const char *value, struct arena *a, struct err *e)
{
	(void)a;
	(void)e;
	((struct vfb *)obj)->d.passwd = value;
	return 0;
}

static int set_keymap(void *obj, const char *value, struct arena *a, struct err *e)
{
	return key_text(KEY_keymap, a, value, &((struct vfb *)obj)->d.keymap, e);
}

static int set_host(void *obj, const char *value, struct arena *a, struct err *e)
{
	(void)value;
	(void)a;
	(void)e;
	((struct vfb *)obj)->host = true;
	return 0;
}

static const struct part_row rows[] = {
	{ "type", set_type, false },        { "vnc", set_vnc, false },
	{ "vnclisten", set_listen, false }, { "vncdisplay", set_display, false },
	{ "vncunused", set_unused, false }, { "vncpasswd", set_passwd, false },
	{ "sdl", set_sdl, false },          { "opengl", set_opengl, false },
	{ "keymap", set_keymap, false },    { "display", set_host, false },
	{ "xauthority", set_host, false },
};

int vfb_spec_parse(const char *text, struct arena *a, struct vfb *ret, size_t *at, struct err *e)
{
	struct vfb v = { .d = { .vnc = true, .number = -1 } };
	struct parts parts = { .text = text, .arena = a };
	struct part p;
	struct buf clean = { 0 };
	uint64_t seen = 0;
	int rc = 0;

	while (rc == 0 && parts_next(&parts, &p)) {
		rc = parts_apply(&p, rows, COUNT(rows), &seen, &v, a, e);
		if (rc == -ENOENT)
			rc = p.value[0] ? fail(e, EINVAL, "\"%s\" is no part of a framebuffer; parts are NAME=VALUE",
			                       p.value)
			                : 0;
		if (rc < 0)
			*at = p.at;
		if (p.key && strcmp(p.key, "vncpasswd") != 0)
			buf_printf(&clean, "%s%s=%s", clean.len ? "," : "", p.key, p.value);
	}
	if (rc == 0) {
		v.text = arena_strndup(a, clean.p ? clean.p : "", clean.len);
		*ret = v;
	}
	buf_free(&clean);
	return rc;
}
