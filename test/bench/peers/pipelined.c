/*
 * A bare pipelined client: pipelined SOCKET read|write WINDOW MILLISECONDS
 * WINDOW requests are in flight; for the replies that one read() brings as many requests go out in one write().
 */
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

#include "measure.h"

#define PATH "/bench/pipelined"
#define VALUE "16 bytes of data"

static char out[1 << 20], in[1 << 16];

static int make_request(char *at, int write, uint32_t id)
{
	struct xsd_sockmsg header = { write ? XS_WRITE : XS_READ, id, 0, sizeof PATH + (write ? sizeof VALUE - 1 : 0) };
	memcpy(at, &header, sizeof header);
	memcpy(at + sizeof header, PATH, sizeof PATH);
	if (write)
		memcpy(at + sizeof header + sizeof PATH, VALUE, sizeof VALUE - 1);
	return sizeof header + header.len;
}

static void send_all(int fd, const char *bytes, size_t length)
{
	while (length) {
		ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
		if (sent <= 0) {
			perror("send");
			exit(1);
		}
		bytes += sent;
		length -= sent;
	}
}

/* Runs until `most` requests are answered or the time is over and nothing is in flight; gives back how many. */
static int run(int fd, int is_write, int window, int most, double deadline)
{
	uint32_t id = 1, expected = 1;
	int sent = 0, got = 0;
	size_t have = 0;

	for (;;) {
		size_t end = 0;
		int more_to_send = now_us() < deadline;
		while (more_to_send && sent < most && sent - got < window) {
			end += make_request(out + end, is_write, id++);
			sent++;
		}
		if (sent == got)
			return got;
		send_all(fd, out, end);
		ssize_t more = read(fd, in + have, sizeof in - have);
		if (more <= 0) {
			perror("read");
			exit(1);
		}
		have += more;
		size_t at = 0;
		while (have - at >= sizeof(struct xsd_sockmsg)) {
			struct xsd_sockmsg header;
			memcpy(&header, in + at, sizeof header);
			if (have - at < sizeof header + header.len)
				break;
			if (header.type == XS_ERROR || header.req_id != expected++) {
				fprintf(stderr, "unexpected reply\n");
				exit(1);
			}
			/* As a client does that hands the value to somebody. */
			char *value = malloc(header.len + 1);
			memcpy(value, in + at + sizeof header, header.len);
			value[header.len] = 0;
			free(value);
			at += sizeof header + header.len;
			got++;
		}
		memmove(in, in + at, have - at);
		have -= at;
	}
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int is_write = !strcmp(argv[2], "write"), window = atoi(argv[3]);
	double most_us = atoi(argv[4]) * 1e3;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (window < 1 || window > 1024 || strlen(argv[1]) >= sizeof address.sun_path)
		return 2;
	strcpy(address.sun_path, argv[1]);
	if (connect(fd, (struct sockaddr *)&address, sizeof address)) {
		perror("connect");
		return 1;
	}
	run(fd, 1, 1, 1, now_us() + 1e6);
	/* The ids start again with each run: nothing is in flight between them. */
	run(fd, is_write, window, INT_MAX, now_us() + most_us / 2);
	double cpu = cpu_us(), start = now_us();
	int n = run(fd, is_write, window, INT_MAX, start + most_us);
	print_figures(n, now_us() - start, cpu_us() - cpu, NULL);
	return 0;
}
