/* One line of what was written: from its words to history. */
#include "fs/command_private.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void line_unref(struct line *l)
{
	if (--l->refs) // NOLINT(clang-analyzer-unix.Malloc): the analyzer does not count references
		return;
	job_free(l->command.job);
	commands_unref(l->of);
	free(l->text);
	free(l->split);
	free(l);
}

bool domain_is_gone(struct domain *d)
{
	bool gone;

	if (!d)
		return false;
	lock_acquire(&d->lock);
	gone = d->gone;
	lock_release(&d->lock);
	return gone;
}

/* What follows "-n", if the line begins with it. */
static char *after_dry(char *text)
{
	char *p = text + strspn(text, " \t");

	return strncmp(p, "-n", 2) == 0 && strchr(" \t", p[2]) ? p + 2 + strspn(p + 2, " \t") : NULL;
}

struct line *line_new(struct commands *c, const char *text)
{
	const struct node *node = c->ref.node;
	struct line *l = x_alloc(sizeof(*l));
	char *rest;

	l->refs = 1;
	l->of = commands_ref(c);
	l->text = node->kind == KIND_CTL ? x_strdup(text) : x_printf("%s %s", node->name, text);
	rest = node->kind == KIND_CTL ? after_dry(l->text) : NULL;
	l->command.job = job_new(c->caller, c->ref.domain, rest ? rest : l->text, COMMAND_SECONDS);
	l->command.job->dry = rest;
	l->command.ref = c->ref;
	l->command.wait.done = command_waited;
	l->split = x_strdup(rest ? rest : text);
	return l;
}

int line_check(struct line *l, struct err *e)
{
	size_t n = 0;
	int ret;

	ret = verb_split(l->split, l->words, COUNT(l->words), &n, e);
	if (ret)
		return ret;
	if (n > 1 && strcmp(l->words[n - 1], "&") == 0) {
		l->detach = true;
		n--;
	}
	return verb_check(l->command.ref.node->verbs, &l->command, l->words, n, e);
}

static int line_run(struct line *l, struct err *e)
{
	const struct node *node = l->command.ref.node;

	return node->kind == KIND_CTL ? l->command.verb->run(&l->command, e)
	                              : node->set(l->command.job, &l->command.ref, l->split, e);
}

const char *sentence_of(int result, struct err *e)
{
	if (result == 0)
		return "";
	if (!e->text[0])
		fail(e, -result, "%s", strerrordesc_np(-result) ? strerrordesc_np(-result) : "it failed");
	return e->text;
}

/* True when the next line may come. */
bool line_end(struct line *l, int result, struct err *e)
{
	struct commands *c = l->of;
	const char *sentence = sentence_of(result, e);

	lock_acquire(&c->lock);
	c->current = NULL;
	lock_release(&c->lock);
	history_note(c->ref.model, c->ref.domain, c->caller, l->text, -result, sentence);
	c->noted = true;
	if (result)
		commands_end(c, result, sentence);
	line_unref(l);
	return result == 0;
}

/* The verb waits, perhaps not any more, perhaps since after the interrupt. */
static void line_waits(struct line *l)
{
	struct commands *c = l->of;

	lock_acquire(&c->lock);
	if (c->interrupted)
		wait_stop(&l->command.wait, -EINTR);
	lock_release(&c->lock);
}

void command_waited(struct wait *w, int result)
{
	struct command *command = (struct command *)((char *)w - offsetof(struct command, wait));
	struct line *l = (struct line *)((char *)command - offsetof(struct line, command));
	struct commands *c = commands_ref(l->of);
	struct err e = { 0 };

	l->refs++; /* another thread may go on when `after` waits again */
	if (command->after)
		result = command->after(command, result, &e);
	if (result == VERB_WAITS)
		line_waits(l);
	else if (line_end(l, result, &e))
		pool_run(commands_step, c, c->urgent); /* this thread is one of those for what ends soon */
	line_unref(l);
	commands_unref(c);
}

bool line_begin(struct line *l)
{
	struct err e = { 0 };
	bool next = false;
	int result;

	l->refs++;
	result = line_run(l, &e);
	if (result == VERB_WAITS)
		line_waits(l);
	else
		next = line_end(l, result, &e);
	line_unref(l); // NOLINT(clang-analyzer-unix.Malloc): likewise
	return next;
}

/* A detached line is a commands of its own that nobody waits for. */
static void detached_step(void *arg)
{
	struct line *l = arg;
	struct commands *c = commands_ref(l->of);

	if (line_begin(l))
		commands_go_on(c);
	commands_unref(c);
}

int line_detach(struct line *l, struct err *e)
{
	struct commands *old = l->of, *c = commands_new(&old->ref, caller_ref(old->caller));
	bool room = commands_list(c);

	c->urgent = old->urgent;
	if (!room) {
		commands_unlist(c);
		commands_unref(c);
		return fail(e, EBUSY, "%u commands of yours are under way: wait for one to end", COMMANDS_USER);
	}
	l->of = commands_ref(c);
	l->command.ref = c->ref;
	lock_acquire(&old->lock);
	old->current = NULL;
	lock_release(&old->lock);
	lock_acquire(&c->lock);
	c->current = l;
	lock_release(&c->lock);
	commands_unref(old);
	pool_run(detached_step, l, c->urgent);
	return 0;
}
