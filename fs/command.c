#include "fs/command_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Everything under way, to be stopped at the end of the process, and how much of it is whose. */
static struct {
	struct lock lock;
	struct commands *first; /* [lock] */
	struct table users;     /* [lock] uid -> count */
} running = { .lock = LOCK_INIT };

/* ---- lifetime ---- */

struct commands *commands_ref(struct commands *c)
{
	c->refs++;
	return c;
}

void commands_unref(struct commands *c)
{
	if (--c->refs)
		return;
	ref_put(&c->ref);
	caller_unref(c->caller);
	buf_free(&c->text);
	lock_destroy(&c->lock);
	free(c);
}

static uintptr_t users_count(uid_t uid) NEEDS(running.lock)
{
	return (uintptr_t)table_get_n(&running.users, &uid, sizeof(uid));
}

/* False when the user has enough under way. */
bool commands_list(struct commands *c)
{
	uid_t uid = c->caller->user.uid;
	uintptr_t n;
	bool ok;

	lock_acquire(&running.lock);
	n = users_count(uid);
	ok = uid == 0 || n < COMMANDS_USER;
	table_put_n(&running.users, &uid, sizeof(uid), (void *)(n + 1));
	c->next = running.first;
	c->at = &running.first;
	if (c->next)
		c->next->at = &c->next;
	running.first = c;
	lock_release(&running.lock);
	return ok;
}

void commands_unlist(struct commands *c)
{
	uid_t uid = c->caller->user.uid;
	uintptr_t n;

	lock_acquire(&running.lock);
	n = users_count(uid);
	if (n > 1)
		table_put_n(&running.users, &uid, sizeof(uid), (void *)(n - 1));
	else
		table_del_n(&running.users, &uid, sizeof(uid));
	if (running.users.count == 0)
		table_free(&running.users);
	*c->at = c->next;
	if (c->next)
		c->next->at = c->at;
	lock_release(&running.lock);
}

struct commands *commands_new(const struct ref *r, struct caller *caller)
{
	struct commands *c = x_alloc(sizeof(*c));

	lock_init(&c->lock);
	c->refs = 1;
	ref_copy(&c->ref, r);
	c->caller = caller;
	return c;
}

static void commands_save(struct commands *c)
{
	if (c->noted)
		history_save(c->ref.model);
	c->noted = false;
}

/* DONE comes while C still is what commands_interrupt() may be called with, and does not wait for a disk. */
void commands_end(struct commands *c, int result, const char *sentence)
{
	if (c->done)
		c->done(c->arg, result, sentence);
	commands_save(c);
	commands_unlist(c);
	commands_unref(c);
}

/* ---- line after line ---- */

/* True when the line is done and the next may come; otherwise C is somebody else's, or gone. */
static bool commands_line(struct commands *c, const char *text)
{
	struct line *l = line_new(c, text);
	struct err e = { 0 };
	int result = 0;

	commands_save(c); /* this one may take long */
	lock_acquire(&c->lock);
	c->current = l;
	if (c->interrupted)
		result = fail(&e, EINTR, "interrupted");
	lock_release(&c->lock);
	if (result == 0 && domain_is_gone(c->ref.domain))
		result = fail(&e, ENOENT, "there is no such domain any more");
	if (result == 0 && c->ref.node->kind == KIND_CTL)
		result = line_check(l, &e);
	if (result == 0 && l->detach) {
		result = line_detach(l, &e);
		if (result == 0)
			return true;
	}
	return result ? line_end(l, result, &e) : line_begin(l);
}

/* In a ctl, blank lines and those that begin with # are nothing; to a setting, every line is a value. */
static bool is_nothing(const struct node *n, const char *text)
{
	return n->kind == KIND_CTL && (text[strspn(text, " \t\r")] == '\0' || text[0] == '#');
}

static char *next_line(struct commands *c)
{
	const char *p = c->text.p + c->from, *newline;

	if (c->from >= c->text.len)
		return NULL;
	newline = memchr(p, '\n', c->text.len - c->from);
	c->from += (newline ? (size_t)(newline - p) : c->text.len - c->from) + 1;
	return x_strndup(p, newline ? (size_t)(newline - p) : c->text.len);
}

void commands_go_on(struct commands *c)
{
	bool go = true;
	char *text;

	while (go && (text = next_line(c))) {
		if (!is_nothing(c->ref.node, text))
			go = commands_line(c, text);
		free(text);
	}
	if (go)
		commands_end(c, 0, "");
}

void commands_step(void *arg)
{
	struct commands *c = commands_ref(arg);

	commands_go_on(c);
	commands_unref(c); // NOLINT(clang-analyzer-unix.Malloc): the analyzer does not count references
}

static void commands_refuse(void *arg)
{
	struct commands *c = arg;
	struct err e = { 0 };

	fail(&e, EBUSY, "%u commands of yours are under way: wait for one to end", COMMANDS_USER);
	commands_end(c, -EBUSY, e.text);
}

/* Some verbs end others: they must not queue behind them. */
static bool is_urgent(const struct caller *caller, const char *text)
{
	static const char *const ends[] = { "destroy", "cancel" };

	if (caller->user.uid == 0)
		return true;
	text += strspn(text, " \t");
	for (size_t i = 0; i < COUNT(ends); i++) {
		if (strncmp(text, ends[i], strlen(ends[i])) == 0) /* and nothing follows it */
			return !text[strcspn(text, "\n")] || !text[strcspn(text, "\n") + 1];
	}
	return false;
}

struct commands *commands_run(const struct ref *r, struct caller *caller, const char *text, size_t n,
                              void (*done)(void *arg, int result, const char *sentence), void *arg)
{
	struct commands *c = commands_new(r, caller);

	buf_add(&c->text, text, n);
	c->urgent = is_urgent(caller, c->text.p);
	c->done = done;
	c->arg = arg;
	pool_run(commands_list(c) ? commands_step : commands_refuse, c, c->urgent);
	return c;
}

/* ---- interrupts ---- */

/* Names of users are asked for on the way, so on a pool thread. */
static void interrupt_step(void *arg)
{
	struct commands *c = arg;
	struct line *l;

	lock_acquire(&c->lock);
	l = c->current;
	if (l)
		l->refs++;
	lock_release(&c->lock);
	if (l) {
		job_stop(l->command.job, STOP_INTERRUPT, c->caller);
		wait_stop(&l->command.wait, -EINTR);
		line_unref(l);
	}
	commands_unref(c);
}

void commands_interrupt(struct commands *c)
{
	lock_acquire(&c->lock);
	c->interrupted = true;
	lock_release(&c->lock);
	pool_run(interrupt_step, commands_ref(c), true);
}

void commands_stop_all(void)
{
	lock_acquire(&running.lock);
	for (struct commands *c = running.first; c; c = c->next)
		commands_interrupt(c);
	lock_release(&running.lock);
}

/* ---- other hands of the verbs ---- */

struct call {
	struct model *model;
	struct domain *domain;
	struct caller *caller;
	char *command;
	int (*fn)(struct job *, void *arg, struct err *e);
	void *arg;
	void (*done)(void *arg, int result, const char *sentence);
};

static void call_step(void *arg)
{
	struct call *c = arg;
	struct job *j = job_new(c->caller, c->domain, c->command, COMMAND_SECONDS);
	struct err e = { 0 };
	int result = c->fn(j, c->arg, &e);
	const char *sentence = sentence_of(result, &e);

	/* What a domain that is gone has in its history, nobody can read any more. */
	history_note(c->model, domain_is_gone(c->domain) ? NULL : c->domain, c->caller, c->command, -result, sentence);
	c->done(c->arg, result, sentence);
	history_save(c->model);
	job_free(j);
	domain_unref(c->domain);
	caller_unref(c->caller);
	free(c->command);
	free(c);
}

void commands_call(struct model *m, struct domain *d, struct caller *caller, const char *command,
                   int (*fn)(struct job *, void *arg, struct err *e), void *arg,
                   void (*done)(void *arg, int result, const char *sentence))
{
	struct call *c = x_alloc(sizeof(*c));

	*c = (struct call){
		.model = m,
		.domain = d ? domain_ref(d) : NULL,
		.caller = caller,
		.command = x_strdup(command),
		.fn = fn,
		.arg = arg,
		.done = done,
	};
	pool_run(call_step, c, caller->user.uid == 0);
}
