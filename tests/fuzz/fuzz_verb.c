/* Splitting a command line: words stay inside the line, and what was quoted comes back when it is quoted again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "fs/verb.h"

#define WORDS 64

static void quote(struct buf *b, const char *word)
{
	buf_putc(b, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			buf_puts(b, "'\\''");
		else
			buf_putc(b, *word);
	}
	buf_puts(b, "' ");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = x_strndup((const char *)data, size), *again;
	char *words[WORDS], *words_again[WORDS];
	size_t n, n_again;
	struct buf quoted = { 0 };
	struct err e;

	if (!verb_split(line, words, WORDS, &n, &e)) {
		for (size_t i = 0; i < n; i++)
			quote(&quoted, words[i]);
		again = buf_steal(&quoted);
		if (verb_split(again, words_again, WORDS, &n_again, &e) || n_again != n)
			abort();
		for (size_t i = 0; i < n; i++)
			if (strcmp(words[i], words_again[i]))
				abort();
		free(again);
	}
	free(line);
	return 0;
}
