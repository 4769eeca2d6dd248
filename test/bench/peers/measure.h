/* What both C peers measure and how they print it: one JSON document. */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static inline double now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static inline double cpu_us(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

/* times: the latency of each request in µs, or NULL. */
static inline void print_figures(int n, double wall_us, double cpu, double *times)
{
	printf("{\"rate\": %.1f, \"cpuMicros\": %.3f", n / (wall_us / 1e6), cpu / n);
	if (times) {
		qsort(times, n, sizeof *times, by_size);
		printf(", \"p50Micros\": %.2f, \"p99Micros\": %.2f", times[n / 2], times[n - 1 - n / 100]);
	}
	printf("}\n");
}

#endif
