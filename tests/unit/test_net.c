#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/bridge.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backends/qemu/qemu.h"
#include "tests/unit/config.h"

static void test_counters(void **state)
{
	static const char *const bad[] = { "", ".", "..", "../lo", "nowhere9", "a/b" };
	struct device_counters c = { .rx_bytes = 77 };
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_true(net_tap_counters(bad[i], &c, &e) < 0);
		assert_int_equal(c.rx_bytes, 77);
	}
	if (net_tap_counters("lo", &c, &e) < 0)
		fail_msg("%s", e.text);
	/* What the loopback sends it receives. */
	assert_true(c.rx_bytes == c.tx_bytes && c.rx_packets == c.tx_packets);
}

static struct nl_sock *nl;

static struct rtnl_link *link_of(const char *name)
{
	struct rtnl_link *l = NULL;

	return rtnl_link_get_kernel(nl, 0, name, &l) == 0 ? l : NULL;
}

static void test_tap(void **state)
{
	struct err e = { 0 };
	struct rtnl_link *bridge, *tap;
	char mac[MAC_TEXT * 2];
	int fd;

	(void)state;
	fd = net_tap("vif1.0", "br0", 70001, &e);
	if (fd < 0)
		fail_msg("%s", e.text);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	bridge = link_of("br0");
	tap = link_of("vif1.0");
	assert_non_null(bridge);
	assert_non_null(tap);
	assert_int_equal(rtnl_link_get_master(tap), rtnl_link_get_ifindex(bridge));
	assert_true(rtnl_link_get_flags(tap) & IFF_UP);
	assert_int_equal(rtnl_link_get_mtu(tap), 1400);
	assert_string_equal(nl_addr2str(rtnl_link_get_addr(tap), mac, sizeof(mac)), "fe:ff:ff:ff:ff:ff");
	rtnl_link_put(tap);
	rtnl_link_put(bridge);
	/* A second of that name must not get hold of the first. */
	assert_int_equal(net_tap("vif1.0", "br0", 70001, &e), -EEXIST);
	close(fd);
	assert_null(link_of("vif1.0"));
}

static void test_refused(void **state)
{
	static const struct {
		const char *name, *bridge;
		int code;
		const char *part;
	} cases[] = {
		{ "vif1.0", "xenbr7", ENOENT,
		  "bridge xenbr7: there is none on this host (ip link add xenbr7 type bridge)" },
		{ "vif1.0", "lo", EINVAL, "is no bridge" },
		{ "", "br0", EINVAL, "no name" },
		{ "averyverylongname", "br0", EINVAL, "no name" },
		{ "vif%d", "br0", EINVAL, "no name" },
		{ "a/b", "br0", EINVAL, "no name" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = { 0 };
		int rc = net_tap(cases[i].name, cases[i].bridge, 70001, &e);

		if (rc != -cases[i].code || !strstr(e.text, cases[i].part))
			fail_msg("%s on %s: %d %s", cases[i].name, cases[i].bridge, rc, e.text);
		assert_null(link_of("vif1.0"));
	}
}

static int setup(void **state)
{
	struct rtnl_link *b = rtnl_link_bridge_alloc();
	int rc;

	(void)state;
	nl = nl_socket_alloc();
	if (!b || !nl || nl_connect(nl, NETLINK_ROUTE) < 0)
		return -1;
	rtnl_link_set_name(b, "br0");
	rtnl_link_set_mtu(b, 1400);
	rc = rtnl_link_add(nl, b, NLM_F_CREATE | NLM_F_EXCL);
	rtnl_link_put(b);
	return rc;
}

static int teardown(void **state)
{
	(void)state;
	nl_socket_free(nl);
	return 0;
}

int main(void)
{
	const struct CMUnitTest any[] = {
		cmocka_unit_test(test_counters),
	};
	const struct CMUnitTest isolated[] = {
		cmocka_unit_test(test_tap),
		cmocka_unit_test(test_refused),
	};
	int ret = cmocka_run_group_tests(any, NULL, NULL);

	/* In a network of its own, which takes root, and tun, which not every kernel has. */
	if (access("/dev/net/tun", R_OK | W_OK) == 0 && unshare(CLONE_NEWNET) == 0)
		ret += cmocka_run_group_tests(isolated, setup, teardown);
	return ret;
}
