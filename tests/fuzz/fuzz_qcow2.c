/* Any bytes: a header that is taken names no other file, and nothing beyond the bytes is read. */
#include <stdlib.h>
#include <string.h>

#include "backends/qemu/qemu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t zero[8];
	struct err e = { 0 };
	int rc = disk_check_qcow2(data, len, &e);

	if (rc != -e.code || (rc && !e.text[0]))
		abort();
	if (rc == 0 && (len < 72 || memcmp(data, "QFI\xfb", 4) != 0 || memcmp(data + 8, zero, 8) != 0 ||
	                memcmp(data + 32, zero, 4) != 0))
		abort();
	if (rc == 0 && data[7] == 3 && (data[79] & 4))
		abort();
	return 0;
}
