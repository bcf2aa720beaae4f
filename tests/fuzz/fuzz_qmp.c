/* Lines of QMP, as a guest's QEMU may say them: parsed, and taken as events one after the other. */
#include <stdlib.h>
#include <string.h>

#include "backends/qemu/events.h"
#include "backends/qemu/qemu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *p = (const char *)data, *end = p + len;
	struct machine m = { .reboot_wanted = len & 1 };

	while (p < end) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((newline ? newline : end) - p);
		struct err e = { 0 };
		json_t *line = qmp_parse(p, n, &e);
		struct told t;

		if (!line && (e.code == 0 || e.text[0] == '\0'))
			abort();
		if (line) {
			events_take(&m, line, &t);
			if (strlen(t.text) >= sizeof(t.text) || (t.kind == TOLD_ENDED && m.run != RUN_ENDED) ||
			    ((t.kind == TOLD_STATE || t.kind == TOLD_ENDED) && !t.reason))
				abort();
			json_decref(line);
		}
		p += n + (newline != NULL);
	}
	return 0;
}
