#include "fs/proc.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void proc_read(const char *path, struct buf *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	buf_reset(ret);
	if (fd >= 0) {
		(void)buf_read(ret, fd, PROC_MAX);
		close(fd);
	}
	buf_puts(ret, "");
}

void proc_field(const char *text, const char *key, char *out, size_t size)
{
	size_t n = strlen(key);

	out[0] = '\0';
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, n) != 0 || !strchr(" \t:", line[n]) || !line[n])
			continue;
		line += n;
		line += strspn(line, " \t:");
		snprintf(out, size, "%.*s", (int)strcspn(line, "\n"), line);
		return;
	}
}

int64_t proc_cpu_usec(const char *stat, int n)
{
	uint64_t user, nice, system, idle, iowait, irq, softirq, steal, ticks;
	char key[24], line[256];

	snprintf(key, sizeof(key), n < 0 ? "cpu" : "cpu%d", n);
	proc_field(stat, key, line, sizeof(line));
	if (sscanf(line, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
	           &user, &nice, &system, &idle, &iowait, &irq, &softirq, &steal) != 8)
		return -1;
	ticks = user + nice + system + irq + softirq;
	return (int64_t)(ticks * (1000000 / (uint64_t)sysconf(_SC_CLK_TCK)));
}
