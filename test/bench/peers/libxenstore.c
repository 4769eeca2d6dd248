/*
 * libxenstore, one request at a time: libxenstore SOCKET read|write|event MILLISECONDS
 * event: a write on one handle until the event for it comes out of another.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#include "measure.h"

#define PATH "/bench/libxenstore"
#define MOST 10000000

static struct xs_handle *open_handle(void)
{
	struct xs_handle *handle = xs_open(0);
	if (!handle) {
		perror("xs_open");
		exit(1);
	}
	return handle;
}

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static void request(struct xs_handle *handle, int write)
{
	unsigned int length;
	void *value;

	if (write) {
		must(xs_write(handle, XBT_NULL, PATH, "16 bytes of data", 16), "xs_write");
		return;
	}
	value = xs_read(handle, XBT_NULL, PATH, &length);
	must(value != NULL, "xs_read");
	free(value);
}

static void take_event(struct xs_handle *handle)
{
	unsigned int count;
	char **event = xs_read_watch(handle, &count);
	must(event != NULL, "xs_read_watch");
	free(event);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	setenv("XENSTORED_PATH", argv[1], 1);
	int n = 0, event = !strcmp(argv[2], "event"), write = event || !strcmp(argv[2], "write");
	struct xs_handle *handle = open_handle(), *watcher = NULL;
	double *times = calloc(MOST, sizeof *times), most_us = atoi(argv[3]) * 1e3, start, cpu, last;

	request(handle, 1);
	if (event) {
		watcher = open_handle();
		must(xs_watch(watcher, PATH, "token"), "xs_watch");
		take_event(watcher);
	}
	for (start = now_us(); now_us() < start + most_us / 2;) {
		request(handle, write);
		if (event)
			take_event(watcher);
	}
	cpu = cpu_us();
	start = last = now_us();
	while (n < MOST && last < start + most_us) {
		request(handle, write);
		if (event)
			take_event(watcher);
		double now = now_us();
		times[n++] = now - last;
		last = now;
	}
	print_figures(n, last - start, cpu_us() - cpu, times);
	xs_rm(handle, XBT_NULL, PATH);
	xs_close(handle);
	if (watcher)
		xs_close(watcher);
	return 0;
}
