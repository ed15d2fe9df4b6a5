/* A bar on standard error. */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WIDTH = 32, EVERY_MS = 100 };

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void progress_init(progress *p, bool wanted)
{
	*p = (progress){.on = wanted && isatty(STDERR_FILENO)};
	if (p->on)
		p->next = now_ns() + EVERY_MS * 1000000u;
}

static void draw(const progress *p, uint64_t done, uint64_t total)
{
	if (total == 0) {
		fprintf(stderr, "\r\033[K%s %llu", p->label, (unsigned long long)done);
	} else {
		double part = (double)(done < total ? done : total) / (double)total;
		char bar[WIDTH + 1];
		int full = (int)(part * WIDTH);
		memset(bar, '.', WIDTH);
		memset(bar, '#', (size_t)full);
		bar[WIDTH] = '\0';
		fprintf(stderr, "\r\033[K%s [%s] %3d %%", p->label, bar, (int)(part * 100));
	}
	fflush(stderr);
}

void progress_at(progress *p, const char *label, uint64_t done, uint64_t total)
{
	if (!p->on)
		return;
	p->label = label;
	uint64_t now = now_ns();
	if (now < p->next)
		return;
	p->next = now + EVERY_MS * 1000000u;
	p->shown = true;
	draw(p, done, total);
}

void progress_clear(progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}
