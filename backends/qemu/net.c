/* Network: a tap for each interface with a bridge. It lives as long as its descriptor is held: as long as QEMU. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netlink/addr.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "backends/qemu/qemu.h"

/* A high address, so that the bridge never takes a guest's interface's for its own. */
static const uint8_t tap_mac[6] = { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff };

static int tap_open(const char *name, uid_t owner, struct err *e)
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL };
	int fd, rc;

	if (!name[0] || strlen(name) >= sizeof(r.ifr_name) || strpbrk(name, "/% \t\n"))
		return fail(e, EINVAL, "%s is no name for an interface", name);
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return fail(e, errno, "/dev/net/tun: %s (modprobe tun)", strerror(errno));
	if (ioctl(fd, TUNSETIFF, &r) < 0 || ioctl(fd, TUNSETOWNER, (unsigned long)owner) < 0) {
		rc = errno == EBUSY ? fail(e, EEXIST, "interface %s: there is one already", name)
		                    : fail(e, errno, "interface %s: %s", name, strerror(errno));
		close(fd);
		return rc;
	}
	return fd;
}

static int nl_errno(int code)
{
	switch (-code) {
	case NLE_PERM:
		return EPERM;
	case NLE_BUSY:
		return EBUSY;
	case NLE_OPNOTSUPP:
		return EOPNOTSUPP;
	case NLE_AGAIN:
		return ETIMEDOUT;
	default:
		return EIO;
	}
}

static int nl_open(struct nl_sock **ret, struct err *e)
{
	struct nl_sock *s = nl_socket_alloc();
	struct timeval limit = { .tv_sec = 5 };
	int rc;

	if (!s)
		return fail(e, ENOMEM, "netlink: no memory");
	rc = nl_connect(s, NETLINK_ROUTE);
	if (rc < 0) {
		nl_socket_free(s);
		return fail(e, EIO, "netlink: %s", nl_geterror(rc));
	}
	setsockopt(nl_socket_get_fd(s), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	*ret = s;
	return 0;
}

static int bridge_find(struct nl_sock *s, const char *name, struct rtnl_link **ret, struct err *e)
{
	struct rtnl_link *l = NULL;
	const char *type;
	int rc = rtnl_link_get_kernel(s, 0, name, &l);

	if (rc == -NLE_NODEV || rc == -NLE_OBJ_NOTFOUND)
		return fail(e, ENOENT, "bridge %s: there is none on this host (ip link add %s type bridge)", name,
		            name);
	if (rc < 0)
		return fail(e, nl_errno(rc), "bridge %s: %s", name, nl_geterror(rc));
	type = rtnl_link_get_type(l);
	if (!type || strcmp(type, "bridge") != 0) {
		rtnl_link_put(l);
		return fail(e, EINVAL, "bridge %s: the interface of that name is no bridge", name);
	}
	*ret = l;
	return 0;
}

/* Put the tap NAME on BRIDGE, with its MTU, and up. */
static int enslave(struct nl_sock *s, const char *name, struct rtnl_link *bridge, struct err *e)
{
	struct rtnl_link *tap = NULL, *change = rtnl_link_alloc();
	struct nl_addr *mac = nl_addr_build(AF_LLC, tap_mac, sizeof(tap_mac));
	int rc;

	if (!change || !mac) {
		rc = fail(e, ENOMEM, "netlink: no memory");
		goto out;
	}
	rc = rtnl_link_get_kernel(s, 0, name, &tap);
	if (rc == 0) {
		rtnl_link_set_addr(change, mac);
		rtnl_link_set_master(change, rtnl_link_get_ifindex(bridge));
		rtnl_link_set_mtu(change, rtnl_link_get_mtu(bridge));
		rtnl_link_set_flags(change, IFF_UP);
		rc = rtnl_link_change(s, tap, change, 0);
	}
	if (rc < 0)
		rc = fail(e, nl_errno(rc), "interface %s on bridge %s: %s", name, rtnl_link_get_name(bridge),
		          nl_geterror(rc));
out:
	nl_addr_put(mac);
	rtnl_link_put(change);
	rtnl_link_put(tap);
	return rc;
}

int net_tap(const char *name, const char *bridge, uid_t owner, struct err *e)
{
	struct nl_sock *s = NULL;
	struct rtnl_link *b = NULL;
	int fd = -1, rc;

	rc = nl_open(&s, e);
	if (rc)
		goto out;
	rc = bridge_find(s, bridge, &b, e);
	if (rc)
		goto out;
	fd = tap_open(name, owner, e);
	if (fd < 0) {
		rc = fd;
		goto out;
	}
	rc = enslave(s, name, b, e);
	if (!rc) {
		rc = fd;
		fd = -1;
	}
out:
	if (fd >= 0)
		close(fd);
	rtnl_link_put(b);
	nl_socket_free(s);
	return rc;
}

/* What the tap sends is what the guest receives. */
static const struct {
	const char *file;
	size_t at;
} mirrored[] = {
	{ "tx_bytes", offsetof(struct device_counters, rx_bytes) },
	{ "rx_bytes", offsetof(struct device_counters, tx_bytes) },
	{ "tx_packets", offsetof(struct device_counters, rx_packets) },
	{ "rx_packets", offsetof(struct device_counters, tx_packets) },
	{ "tx_dropped", offsetof(struct device_counters, rx_dropped) },
	{ "rx_dropped", offsetof(struct device_counters, tx_dropped) },
};

int net_tap_counters(const char *name, struct device_counters *ret, struct err *e)
{
	struct device_counters c = { 0 };

	if (!name[0] || strchr(name, '/') || name[0] == '.')
		return fail(e, EINVAL, "%s is no name for an interface", name);
	for (size_t i = 0; i < COUNT(mirrored); i++) {
		char path[128], text[32];
		int fd;

		snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/%s", name, mirrored[i].file);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return fail(e, errno, "counters of %s: %s", name, strerror(errno));
		ssize_t n = read(fd, text, sizeof(text) - 1);
		close(fd);
		if (n <= 0)
			return fail(e, EIO, "counters of %s: no figure in %s", name, mirrored[i].file);
		text[n] = '\0';
		*(uint64_t *)((char *)&c + mirrored[i].at) = strtoull(text, NULL, 10);
	}
	*ret = c;
	return 0;
}
