/*
 * The bare exchange of one pci-ins through libxenstore, COUNT times: insert SOCKET CHANNEL DEVICE plain|transaction COUNT
 * plain: what a toolstack cannot do without, as libxl does it: state, parameter, command, reply, result, acknowledgement.
 * transaction: the same, where command and acknowledgement are sent only if nothing changed since it was looked at.
 * The device is removed again after each, which is not measured. Prints JSON: of each insert the microseconds in all, those
 * that the device model took (from the command to the event of its reply), and the requests, each a round trip.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#include "measure.h"

#define MOST 1000

static struct xs_handle *xs;
static char state_path[128], command_path[128], parameter_path[128];
static int round_trips;

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static int is(xs_transaction_t tx, const char *path, const char *wanted)
{
	unsigned int length;
	char *value = xs_read(xs, tx, path, &length);
	int same = value ? wanted && !strcmp(value, wanted) : !wanted;
	round_trips++;
	free(value);
	return same;
}

static void put(xs_transaction_t tx, const char *path, const char *value)
{
	round_trips++;
	must(xs_write(xs, tx, path, value, strlen(value)), path);
}

static xs_transaction_t start(void)
{
	xs_transaction_t tx = xs_transaction_start(xs);
	round_trips++;
	must(tx != XBT_NULL, "xs_transaction_start");
	return tx;
}

/* Nobody else writes here: a conflict would be an error of the set-up. */
static void end(xs_transaction_t tx)
{
	round_trips++;
	must(xs_transaction_end(xs, tx, 0), "xs_transaction_end");
}

static void take_event(void)
{
	unsigned int count;
	char **event = xs_read_watch(xs, &count);
	must(event != NULL, "xs_read_watch");
	free(event);
}

static void send_command(int guarded, const char *command, const char *parameter)
{
	xs_transaction_t tx = guarded ? start() : XBT_NULL;
	must(is(tx, state_path, "running"), "the state is not running");
	if (guarded)
		must(is(tx, command_path, NULL), "there is a command");
	put(tx, parameter_path, parameter);
	put(tx, command_path, command);
	if (guarded)
		end(tx);
}

static double await(const char *reply)
{
	double came;
	do {
		take_event();
		came = now_us();
	} while (!is(XBT_NULL, state_path, reply));
	return came;
}

static void acknowledge(int guarded, const char *reply)
{
	xs_transaction_t tx = guarded ? start() : XBT_NULL;
	if (guarded)
		must(is(tx, state_path, reply), "the reply is gone");
	put(tx, state_path, "running");
	if (guarded)
		end(tx);
}

static void print(const char *name, const double *values, int n)
{
	printf("\"%s\": [", name);
	for (int i = 0; i < n; i++)
		printf("%s%.1f", i ? ", " : "", values[i]);
	printf("]");
}

int main(int argc, char **argv)
{
	static double total[MOST], model[MOST], trips[MOST];
	char request[128];

	if (argc != 6)
		return 2;
	int guarded = !strcmp(argv[4], "transaction"), n = atoi(argv[5]);
	if (n < 1 || n > MOST)
		return 2;
	setenv("XENSTORED_PATH", argv[1], 1);
	snprintf(state_path, sizeof state_path, "%s/state", argv[2]);
	snprintf(command_path, sizeof command_path, "%s/command", argv[2]);
	snprintf(parameter_path, sizeof parameter_path, "%s/parameter", argv[2]);
	snprintf(request, sizeof request, "%s,msitranslate=0,power_mgmt=0", argv[3]);
	must((xs = xs_open(0)) != NULL, "xs_open");
	must(xs_watch(xs, state_path, "state"), "xs_watch");
	take_event();
	for (int i = 0; i < n; i++) {
		unsigned int length;
		double began = now_us(), sent, replied;
		round_trips = 0;
		send_command(guarded, "pci-ins", request);
		sent = now_us();
		replied = await("pci-inserted");
		char *result = xs_read(xs, XBT_NULL, parameter_path, &length);
		round_trips++;
		must(result && !strncmp(result, "0x", 2), "the insert failed");
		free(result);
		acknowledge(guarded, "pci-inserted");
		total[i] = now_us() - began;
		model[i] = replied - sent;
		trips[i] = round_trips;
		/* Those of our own writes. */
		take_event();
		send_command(0, "pci-rem", argv[3]);
		await("pci-removed");
		acknowledge(0, "pci-removed");
		take_event();
	}
	printf("{");
	print("micros", total, n);
	printf(", ");
	print("modelMicros", model, n);
	printf(", ");
	print("roundTrips", trips, n);
	printf("}\n");
	xs_close(xs);
	return 0;
}
