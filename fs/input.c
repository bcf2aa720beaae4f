#include "fs/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_MSEC 20
#define GIVE_UP_MSEC 30000

struct input {
	struct input *next;
	struct handle *handle;
	fuse_req_t req;
	struct buf bytes;
	uint64_t until;
	bool interrupted;
};

/* How many bytes were taken, or -errno. */
static int input_try(struct handle *h, const char *p, size_t n)
{
	struct err e = { 0 };
	int ret = h->ref.node->input(&h->ref, p, n, &e);

	if (ret < 0 && ret != -EAGAIN)
		handle_answer(h, ret, e.text);
	return ret;
}

static void input_reply(fuse_req_t req, int result)
{
	if (result < 0)
		fuse_reply_err(req, -result);
	else
		fuse_reply_write(req, (size_t)result);
}

static void input_free(struct input *in)
{
	handle_put(in->handle);
	buf_free(&in->bytes);
	free(in);
}

static void input_interrupted(fuse_req_t req, void *arg)
{
	struct inputs *is = arg;

	for (struct input *in = is->first; in; in = in->next) {
		if (in->req == req)
			in->interrupted = true;
	}
}

void input_write(struct inputs *is, struct handle *h, fuse_req_t req, const char *p, size_t n, bool nonblock)
{
	int ret = n ? input_try(h, p, n) : 0;
	struct input *in;

	if (ret == 0 && n)
		ret = -EAGAIN;
	if (ret != -EAGAIN || nonblock) {
		input_reply(req, ret);
		return;
	}
	in = x_alloc(sizeof(*in));
	*in = (struct input){
		.next = is->first, .handle = handle_ref(h), .req = req, .until = clock_msec() + GIVE_UP_MSEC
	};
	buf_add(&in->bytes, p, n);
	is->first = in;
	fuse_req_interrupt_func(req, input_interrupted, is);
}

/* 0 as long as it shall wait on. */
static int input_again(struct input *in)
{
	int ret;

	if (in->interrupted)
		return -EINTR;
	ret = input_try(in->handle, in->bytes.p, in->bytes.len);
	if (ret == 0 || ret == -EAGAIN)
		return clock_msec() < in->until ? 0 : -EAGAIN;
	return ret;
}

int inputs_look(struct inputs *is)
{
	struct input **at = &is->first, *in;
	int ret;

	while ((in = *at)) {
		ret = input_again(in);
		if (ret == 0) {
			at = &in->next;
			continue;
		}
		*at = in->next;
		input_reply(in->req, ret);
		input_free(in);
	}
	return is->first ? RETRY_MSEC : -1;
}

void inputs_stop(struct inputs *is)
{
	struct input *in;

	while ((in = is->first)) {
		is->first = in->next;
		fuse_reply_err(in->req, EINTR);
		input_free(in);
	}
}
