/* Event lines while somebody follows: held until they are published, in order; and what a follower is told, when. */
#include "tests/unit/model_world.h"

/* What was told. */
static struct follower {
	struct lock lock;
	unsigned told;       /* [lock] how often */
	struct domain *last; /* [lock] only to be compared */
	uint64_t generation; /* [lock] of the domain, at the last call */
	uint64_t seq[4];     /* [lock] of the last event, at each of the first calls */
} follower = { .lock = LOCK_INIT };

static void on_change(void *arg, struct domain *d)
{
	struct follower *f = arg;

	lock_acquire(&f->lock);
	if (f->told < COUNT(f->seq))
		f->seq[f->told] = model_last_event(d->model);
	f->told++;
	f->last = d;
	f->generation = d->generation;
	lock_release(&f->lock);
}

static struct follower take_told(void)
{
	struct follower f;

	lock_acquire(&follower.lock);
	f = follower;
	follower.told = 0;
	lock_release(&follower.lock);
	return f;
}

static void follow(struct world *w)
{
	model_follow(w->model, on_change, &follower);
	take_told();
}

static void emit(struct domain *d, const char *name)
{
	domain_lock(d);
	event_emit(d, name, "%s", "");
	domain_unlock(d);
}

/* How many lines the text has. */
static unsigned lines(struct text *t)
{
	struct buf b = { 0 };
	unsigned n = 0;

	text_copy(t, &b);
	for (size_t i = 0; i < b.len; i++)
		n += b.p[i] == '\n';
	buf_free(&b);
	return n;
}

static void test_at_once(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", NULL);

	emit(d, "link");
	assert_true(text_has(&d->events, " web1 link\n"));
	assert_true(text_has(&w->model->events, " web1 link\n"));
}

static void test_held(void **state)
{
	struct world *w = *state;
	struct domain *a = world_define(w, "a", NULL), *b = world_define(w, "b", NULL);
	struct buf all = { 0 };
	unsigned before, before_a;
	uint64_t first, seq;
	char *line;

	before = lines(&w->model->events);
	before_a = lines(&a->events);
	follow(w);
	first = model_last_event(w->model);
	for (int i = 0; i < 6; i++) {
		emit(i % 2 ? b : a, "link");
		assert_int_equal(model_last_event(w->model), first + (uint64_t)i + 1);
	}
	assert_int_equal(lines(&w->model->events), before);
	assert_int_equal(lines(&a->events), before_a);
	model_publish(w->model, first); /* there is none up to it */
	assert_int_equal(lines(&w->model->events), before);
	model_publish(w->model, first + 3);
	assert_int_equal(lines(&w->model->events), before + 3);
	assert_int_equal(lines(&a->events), before_a + 2);
	model_publish(w->model, first + 3);
	assert_int_equal(lines(&w->model->events), before + 3);
	model_publish(w->model, first + 7);
	assert_int_equal(lines(&w->model->events), before + 6);
	assert_int_equal(lines(&a->events), before_a + 3);
	text_copy(&w->model->events, &all);
	for (seq = 1, line = all.p; *line; line = strchr(line, '\n') + 1, seq++)
		assert_int_equal(strtoull(line, NULL, 10), first + 6 - (before + 6) + seq);
	buf_free(&all);
}

/* A domain that nobody but its held lines knows of any more is freed with the last of them, or with the model. */
static void test_references(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "a", NULL);

	follow(w);
	world_define(w, "b", NULL);
	domain_ref(d);
	assert_int_equal(world_call(w, d, 0, "undefine", call_undefine, NULL), 0);
	assert_false(text_has(&w->model->events, " a undefine\n"));
	assert_int_equal(d->refs, 2);
	model_publish(w->model, model_last_event(w->model));
	assert_int_equal(d->refs, 1);
	assert_true(text_has(&w->model->events, " a undefine\n"));
	domain_unref(d);
	d = world_find(w, "b");
	assert_int_equal(world_call(w, d, 0, "undefine", call_undefine, NULL), 0);
	emit(world_define(w, "c", NULL), "link"); /* held when the model is closed: nothing leaks */
}

/* Who follows no more gets the lines at once, those that were held before them. */
static void test_unfollow(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "a", NULL);
	struct buf b = { 0 };

	follow(w);
	emit(d, "one");
	model_follow(w->model, NULL, NULL);
	assert_true(take_told().told > 0);
	assert_true(text_has(&d->events, " a one\n"));
	emit(d, "two");
	text_copy(&d->events, &b);
	assert_true(strstr(b.p, " a two\n") > strstr(b.p, " a one\n"));
	buf_free(&b);
	assert_int_equal(take_told().told, 0);
}

/* The follower knows of the change before there is a line, and of the line once it is held. */
static void test_order(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "a", NULL);
	struct follower touch, line, set, again;
	unsigned long long generation;
	uint64_t seq;

	follow(w);
	generation = d->generation;
	domain_lock(d);
	seq = model_last_event(w->model);
	domain_touch(d);
	touch = take_told();
	event_emit(d, "link", "%s", "");
	line = take_told();
	domain_set_state(d, STATE_STARTING, "start");
	set = take_told();
	domain_set_state(d, STATE_STARTING, "start"); /* nothing changed */
	again = take_told();
	domain_set_state(d, STATE_OFF, "stop");
	domain_unlock(d);
	assert_int_equal(touch.told, 1);
	assert_ptr_equal(touch.last, d);
	assert_int_equal(touch.generation, generation + 1);
	assert_int_equal(touch.seq[0], seq);
	assert_int_equal(line.told, 1);
	assert_int_equal(line.seq[0], seq + 1);
	assert_int_equal(set.told, 2);
	assert_int_equal(set.seq[0], seq + 1);
	assert_int_equal(set.seq[1], seq + 2);
	assert_int_equal(again.told, 0);
}

static void test_registry(void **state)
{
	struct world *w = *state;
	struct domain *d = domain_new(w->model, "a"), *same = domain_new(w->model, "a");
	unsigned long long generation;

	follow(w);
	assert_int_equal(registry_add(d, &w->e), 0);
	assert_int_equal(take_told().told, 1);
	assert_ptr_equal(follower.last, d);
	assert_int_equal(registry_add(same, &w->e), -EEXIST);
	assert_int_equal(registry_rename(d, "a", &w->e), -EEXIST);
	assert_int_equal(take_told().told, 0);
	generation = d->generation;
	assert_int_equal(registry_rename(d, "b", &w->e), 0);
	assert_int_equal(take_told().told, 1);
	assert_true(d->generation > generation);
	generation = d->generation;
	registry_del(d);
	assert_int_equal(take_told().told, 1);
	assert_true(d->generation > generation);
	registry_del(d);
	assert_int_equal(take_told().told, 0);
	domain_unref(same);
	domain_unref(d);
}

/* ---- every change of what is rendered is told ---- */

static int call_tags(struct job *j, void *arg, struct err *e)
{
	return domain_set_note(j, true, arg, strlen(arg), e);
}

static int call_notes(struct job *j, void *arg, struct err *e)
{
	return domain_set_note(j, false, arg, strlen(arg), e);
}

static int call_autostart(struct job *j, void *arg, struct err *e)
{
	return domain_set_autostart(j, arg != NULL, e);
}

static int call_owner(struct job *j, void *arg, struct err *e)
{
	(void)arg;
	return domain_set_owner(j, 7, 8, 0700, DOMAIN_SET_UID | DOMAIN_SET_GID | DOMAIN_SET_MODE, e);
}

static int call_progress(struct job *j, void *arg, struct err *e)
{
	int rc = job_begin(j, e);

	(void)arg;
	job_progress(j, 50, 10, 3);
	job_end(j);
	return rc;
}

static int call_reject(struct job *j, void *arg, struct err *e)
{
	return domain_set_config(j, arg, strlen(arg), e) == -EINVAL ? 0 : -EIO;
}

/* All that files and their attributes are rendered from. */
static char *facts(struct domain *d)
{
	char uuid[UUID_TEXT];
	struct buf b = { 0 };

	domain_lock(d);
	buf_printf(&b, "%s %s %d %s %s %lld %lld %llu %llu %llu %u %d %s", d->name, uuid_format(uuid, &d->uuid), d->id,
	           state_names[d->state], d->reason, (long long)d->since.tv_sec, (long long)d->started.tv_sec,
	           (unsigned long long)d->mem_target, (unsigned long long)d->mem_actual, (unsigned long long)d->mem_max,
	           d->vcpus, d->autostart, d->display);
	buf_printf(&b, " %s %s %d %d %u %u %o %s", d->tags, d->notes, d->rejected, domain_pending(d),
	           (unsigned)d->owner, (unsigned)d->group, (unsigned)d->mode, d->job ? d->job->verb : "-");
	if (d->job)
		buf_printf(&b, " %u", (unsigned)d->job->percent);
	buf_putc(&b, '\n');
	spec_print(d->spec, true, &b);
	if (d->live)
		spec_print(d->live, true, &b);
	domain_unlock(d);
	return buf_steal(&b);
}

struct step {
	const char *command;
	int (*fn)(struct job *, void *, struct err *);
	void *arg;
	bool unchanged; /* what it changed is as it was when it ends */
};

static void test_told(void **state)
{
	static uint64_t mib = 48;
	static const struct step steps[] = {
		{ "config", call_config, "memory=64\nvcpus=2\n", false },
		{ "config", call_reject, "memory=\n", false },
		{ "tags", call_tags, "a b", false },
		{ "notes", call_notes, "text", false },
		{ "autostart", call_autostart, "on", false },
		{ "migrate", call_progress, NULL, true },
		{ "start", call_start, NULL, false },
		{ "pause", call_pause, NULL, false },
		{ "unpause", call_unpause, NULL, false },
		{ "mem", call_memory, &mib, false },
		{ "commit", call_commit, NULL, false },
		{ "rename", call_rename, "web2", false },
		{ "config", call_config, "memory=96\n", false },
		{ "destroy", call_destroy, NULL, false },
		{ "chown", call_owner, NULL, false },
	};
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", NULL);
	char *before = facts(d), *after;

	follow(w);
	for (size_t i = 0; i < COUNT(steps); i++) {
		const struct step *s = &steps[i];
		unsigned long long generation = d->generation;
		int rc = world_call(w, d, 0, s->command, s->fn, s->arg);

		if (rc)
			print_error("%s: %s\n", s->command, w->e.text);
		assert_int_equal(rc, 0);
		after = facts(d);
		if (!strcmp(before, after) != s->unchanged)
			print_error("%s: %s", s->command, after);
		assert_int_equal(!strcmp(before, after), s->unchanged);
		assert_true(d->generation > generation);
		assert_true(take_told().told > 0);
		free(before);
		before = after;
	}
	free(before);
}

static void test_sink(void **state)
{
	struct world *w = *state;
	struct domain *d = world_define(w, "web1", (char[]){ "memory=64\n" });
	char *was, *is;

	assert_int_equal(world_start(w, d), 0);
	follow(w);
	for (int i = 0; i < 4; i++) {
		was = facts(d);
		switch (i) {
		case 0:
			fake_state("web1", STATE_UNRESPONSIVE, "running");
			break;
		case 1:
			fake_state("web1", STATE_RUNNING, "responsive");
			break;
		case 2:
			fake_memory("web1", 32);
			break;
		default:
			fake_gone("web1", END_DIED, "killed");
			break;
		}
		is = facts(d);
		assert_string_not_equal(was, is);
		assert_true(take_told().told > 0);
		free(was);
		free(is);
	}
}

/* ---- many at once ---- */

static atomic_bool ended;

static void *emit_many(void *arg)
{
	struct domain *d = arg;

	for (int i = 0; i < 2000; i++)
		emit(d, "link");
	return NULL;
}

static void *publish_many(void *arg)
{
	struct model *m = arg;

	while (!ended)
		model_publish(m, model_last_event(m));
	return NULL;
}

static void test_threads(void **state)
{
	enum { THREADS = 3 };
	struct world *w = *state;
	struct buf b = { 0 };
	pthread_t emitters[THREADS], publishers[2];
	unsigned before = lines(&w->model->events);
	uint64_t last = 0, seq;
	char name[16];

	follow(w);
	ended = false;
	for (size_t i = 0; i < COUNT(publishers); i++)
		assert_int_equal(pthread_create(&publishers[i], NULL, publish_many, w->model), 0);
	for (int i = 0; i < THREADS; i++) {
		snprintf(name, sizeof(name), "d%d", i);
		assert_int_equal(pthread_create(&emitters[i], NULL, emit_many, world_define(w, name, NULL)), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(emitters[i], NULL);
	ended = true;
	for (size_t i = 0; i < COUNT(publishers); i++)
		pthread_join(publishers[i], NULL);
	model_follow(w->model, NULL, NULL);
	text_copy(&w->model->events, &b);
	for (char *line = b.p; *line; line = strchr(line, '\n') + 1) {
		seq = strtoull(line, NULL, 10);
		assert_true(!last || seq == last + 1);
		last = seq;
	}
	assert_int_equal(last, model_last_event(w->model));
	assert_true(lines(&w->model->events) >= before + 2000);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_at_once),  WORLD_TEST(test_held),  WORLD_TEST(test_references),
		WORLD_TEST(test_unfollow), WORLD_TEST(test_order), WORLD_TEST(test_registry),
		WORLD_TEST(test_told),     WORLD_TEST(test_sink),  WORLD_TEST(test_threads),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
