/* Streams against a kernel that is played here: what each request is answered, and that nobody holds the lock then. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/stream.h"
#include "tests/unit/test.h"
#include "units.h"

#define READERS 20

static struct request {
	char text[64];
	int count, code; /* of answers; errno */
	fuse_interrupt_func_t interrupt;
	void *arg;
} requests[READERS];

static struct {
	struct lock lock;
	struct cond cond;
	unsigned answered, told; /* [lock] */
	bool locked;             /* [lock] somebody answered with the streams' lock */
} fake = { .lock = LOCK_INIT };

static struct streams ss;
static struct text text;
static struct stream *streams[READERS];

static fuse_req_t request(unsigned i)
{
	return (fuse_req_t)&requests[i];
}

/* Who has the lock for a moment lets go of it; not so who answers. */
static bool is_locked(void)
{
	struct timespec t;
	int r;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec++;
	r = pthread_mutex_timedlock(&ss.lock.m, &t);
	if (r == 0)
		pthread_mutex_unlock(&ss.lock.m);
	return r != 0;
}

static void answered(fuse_req_t req, int code, const char *p, size_t n)
{
	struct request *r = (struct request *)req;
	bool locked = is_locked();

	lock_acquire(&fake.lock);
	r->count++;
	r->code = code;
	snprintf(r->text, sizeof(r->text), "%.*s", (int)n, n ? p : "");
	fake.answered++;
	fake.locked |= locked;
	cond_broadcast(&fake.cond);
	lock_release(&fake.lock);
}

int fuse_reply_buf(fuse_req_t req, const char *p, size_t n)
{
	answered(req, 0, p, n);
	return 0;
}

int fuse_reply_err(fuse_req_t req, int code)
{
	answered(req, code, NULL, 0);
	return 0;
}

void fuse_req_interrupt_func(fuse_req_t req, fuse_interrupt_func_t fn, void *arg)
{
	struct request *r = (struct request *)req;

	r->interrupt = fn;
	r->arg = arg;
}

int fuse_req_interrupted(fuse_req_t req)
{
	(void)req;
	return 0;
}

int fuse_lowlevel_notify_poll(struct fuse_pollhandle *ph)
{
	bool locked = is_locked();

	(void)ph;
	lock_acquire(&fake.lock);
	fake.told++;
	fake.locked |= locked;
	cond_broadcast(&fake.cond);
	lock_release(&fake.lock);
	return 0;
}

void fuse_pollhandle_destroy(struct fuse_pollhandle *ph)
{
	free(ph);
}

/* Until N is ANSWERS. */
static bool came(const unsigned *n, unsigned answers)
{
	uint64_t deadline = clock_msec() + LIMIT;
	bool is;

	lock_acquire(&fake.lock);
	while (*n < answers && cond_wait(&fake.cond, &fake.lock, deadline))
		;
	is = *n == answers;
	lock_release(&fake.lock);
	return is;
}

static void append(const char *s)
{
	text_append(&text, s, strlen(s));
}

static int setup(void **state)
{
	(void)state;
	memset(requests, 0, sizeof(requests));
	fake.answered = fake.told = 0;
	fake.locked = false;
	cond_init(&fake.cond);
	text_init(&text, 1 << 16);
	for (unsigned i = 0; i < READERS; i++)
		streams[i] = NULL;
	return streams_init(&ss);
}

static int teardown(void **state)
{
	(void)state;
	streams_stop(&ss);
	for (unsigned i = 0; i < READERS; i++) {
		if (streams[i])
			stream_close(streams[i]);
	}
	streams_free(&ss);
	text_destroy(&text);
	cond_destroy(&fake.cond);
	return fake.locked;
}

static void open_all(void)
{
	for (unsigned i = 0; i < READERS; i++)
		streams[i] = stream_open(&ss, &text, false);
}

static void all_get_every_line(void **state)
{
	(void)state;
	open_all();
	for (unsigned round = 1; round <= 3; round++) {
		for (unsigned i = 0; i < READERS; i++)
			stream_read(streams[i], request(i), 100, false);
		append(round == 1 ? "one\n" : round == 2 ? "two\n" : "three\n");
		assert_true(came(&fake.answered, round * READERS));
		for (unsigned i = 0; i < READERS; i++) {
			assert_int_equal(requests[i].count, round);
			assert_string_equal(requests[i].text, round == 1 ? "one\n" : round == 2 ? "two\n" : "three\n");
		}
	}
}

/* Reads of one file are answered in their order, a line each. */
static void reads_keep_their_order(void **state)
{
	(void)state;
	streams[0] = stream_open(&ss, &text, false);
	for (unsigned i = 0; i < 4; i++)
		stream_read(streams[0], request(i), i == 2 ? 2 : 100, false);
	append("one\ntwo\nthree\n");
	assert_true(came(&fake.answered, 4));
	assert_string_equal(requests[0].text, "one\n");
	assert_string_equal(requests[1].text, "two\n");
	assert_string_equal(requests[2].text, "th");
	assert_string_equal(requests[3].text, "ree\n");
	append("four\n");
	stream_read(streams[0], request(4), 100, true);
	assert_string_equal(requests[4].text, "four\n");
	stream_read(streams[0], request(5), 100, true);
	assert_int_equal(requests[5].code, EAGAIN);
}

static void an_interrupted_read_takes_nothing(void **state)
{
	(void)state;
	streams[0] = stream_open(&ss, &text, false);
	for (unsigned i = 0; i < 3; i++)
		stream_read(streams[0], request(i), 100, false);
	requests[1].interrupt(request(1), requests[1].arg);
	assert_true(came(&fake.answered, 1));
	assert_int_equal(requests[1].code, EINTR);
	append("one\ntwo\n");
	assert_true(came(&fake.answered, 3));
	assert_string_equal(requests[0].text, "one\n");
	assert_string_equal(requests[2].text, "two\n");
	requests[1].interrupt(request(1), requests[1].arg); /* it came too late */
	assert_int_equal(requests[1].count, 1);
}

static void each_who_polls_is_told_once(void **state)
{
	(void)state;
	open_all();
	for (unsigned i = 0; i < READERS; i++)
		assert_false(stream_poll(streams[i], malloc(1)));
	append("one\n");
	assert_true(came(&fake.told, READERS));
	for (unsigned i = 0; i < READERS; i++) {
		assert_true(stream_poll(streams[i], NULL));
		stream_read(streams[i], request(i), 100, true);
		assert_string_equal(requests[i].text, "one\n");
		assert_false(stream_poll(streams[i], NULL));
	}
	append("two\n");
	stream_read(streams[0], request(0), 100, true);
	assert_int_equal(fake.told, READERS);
}

static void the_end_and_a_close_answer(void **state)
{
	(void)state;
	streams[0] = stream_open(&ss, &text, false);
	streams[1] = stream_open(&ss, &text, false);
	for (unsigned i = 0; i < 4; i++)
		stream_read(streams[i & 1], request(i), 100, false);
	stream_close(streams[1]);
	streams[1] = NULL;
	assert_int_equal(requests[1].code, EINTR);
	assert_int_equal(requests[3].code, EINTR);
	streams_stop(&ss);
	assert_int_equal(fake.answered, 4);
	assert_int_equal(requests[0].code, 0);
	assert_string_equal(requests[2].text, "");
	stream_read(streams[0], request(4), 100, false);
	assert_int_equal(requests[4].count, 1);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_get_every_line),
		TEST(reads_keep_their_order),
		TEST(an_interrupted_read_takes_nothing),
		TEST(each_who_polls_is_told_once),
		TEST(the_end_and_a_close_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
