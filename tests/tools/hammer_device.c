/* Disks and interfaces that come and go: what was answered is in the listing and in the files, and what went is in neither. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hammer.h"

/* A directory of devices and one in it, by its name. */
struct device {
	char dir[320], name[16];
	struct seen status, file[2]; /* of the domain; of the device: one whose text is taken at open, and a fact */
	unsigned count;              /* of the devices that stay */
};

static void verb(const char *domain, const char *line)
{
	int ret = write_to(path_of(domain, "ctl"), O_TRUNC, line);

	if (ret)
		wrong("%s: %.*s: %s", domain, (int)strcspn(line, "\n"), line, strerror(-ret));
	else
		changed(1);
}

/* WHAT is "disks" or "vifs": of the status' line, too. */
static void came(struct device *d, const char *domain, const char *what, const char *const files[2], char want[2][80])
{
	char file[320], count[16];

	list_must(d->dir, d->name, true, "attach");
	for (int i = 0; i < 2; i++) {
		snprintf(file, sizeof(file), "%s/%s/%s", what, d->name, files[i]);
		d->file[i] = see(domain, file);
		must_be(&d->file[i], want[i], "attach");
	}
	snprintf(count, sizeof(count), "%u", d->count + 1);
	status_must(&d->status, what, count, "attach");
}

static void went(struct device *d, const char *what, char want[2][80])
{
	char text[TEXT], count[16];
	struct stat st;

	list_must(d->dir, d->name, false, "detach");
	if (read_old(d->file[0].fd, text) < 0 || strcmp(text, want[0]) != 0)
		wrong("%s is not as it was opened any more, but '%s'", d->file[0].path, text);
	if (read_old(d->file[1].fd, text) >= 0)
		wrong("%s says by the old descriptor '%s' after detach", d->file[1].path, text);
	for (int i = 0; i < 2; i++) {
		if (read_new(d->file[i].path, 0, text) >= 0 || stat(d->file[i].path, &st) == 0)
			wrong("%s is there after detach", d->file[i].path);
		close(d->file[i].fd);
	}
	snprintf(count, sizeof(count), "%u", d->count);
	status_must(&d->status, what, count, "detach");
}

static struct device device_in(const char *domain, const char *what)
{
	struct device d = { .status = see(domain, "status") };
	char text[TEXT], count[16];

	snprintf(d.dir, sizeof(d.dir), "%s", path_of(domain, what));
	read_old(d.status.fd, text);
	if (status_value(text, what, count, sizeof(count)))
		d.count = (unsigned)strtoul(count, NULL, 10);
	return d;
}

void role_device(const char *name)
{
	static const char *const of_disk[] = { "source", "mode" }, *const of_vif[] = { "bridge", "mac" };
	struct device disk = device_in(name, "disks"), vif = device_in(name, "vifs");
	char image[2][80], net[2][80], line[300];

	for (unsigned i = 0; writers_go_on(); i++) {
		snprintf(disk.name, sizeof(disk.name), "xvd%c",
		         'b' + i % 3); /* now another's name, now its own again */
		snprintf(image[0], sizeof(image[0]), "/i/%s-%u.img\n", name, i);
		snprintf(image[1], sizeof(image[1]), "%s\n", i % 2 ? "r" : "w");
		snprintf(line, sizeof(line), "block-attach /i/%s-%u.img,raw,%s,%.1s\n", name, i, disk.name, image[1]);
		verb(name, line);
		came(&disk, name, "disks", of_disk, image);
		snprintf(vif.name, sizeof(vif.name), "%u", 3 + i % 2);
		snprintf(net[0], sizeof(net[0]), "br%u\n", i);
		snprintf(net[1], sizeof(net[1]), "00:16:3e:7f:%02x:%02x\n", i >> 8 & 255, i & 255);
		snprintf(line, sizeof(line), "network-attach devid=%s mac=%.17s bridge=br%u\n", vif.name, net[1], i);
		verb(name, line);
		came(&vif, name, "vifs", of_vif, net);
		snprintf(line, sizeof(line), "block-detach %s\n", disk.name);
		verb(name, line);
		went(&disk, "disks", image);
		snprintf(line, sizeof(line), "network-detach %s\n", vif.name);
		verb(name, line);
		went(&vif, "vifs", net);
		did();
	}
}
