/* crash_disk.c - see crash_disk.h. What a power cut leaves: of each file, the synced bytes with any of the sectors written since, some of them
 * torn; its length, any that it had since; names as after the last sync of the folder, with any of the later changes. */
#include "tests/crash_disk.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SECTOR = 512, MOST_HANDLES = 256, ROOM = 64 };

typedef struct bytes {
	uint8_t *at;
	size_t n, capacity;
} bytes;

/* A write or a new length since the last sync. */
typedef struct change {
	bool length;
	uint64_t at, n; /* length: n is the new one */
	uint8_t *data;
} change;

/* Lives as long as the disk, names or not. */
typedef struct file {
	bytes now, sure;
	change *changes;
	size_t n_changes, room;
	bool locked;
} file;

typedef struct name {
	char *path;
	int file; /* -1: none */
} name;

typedef struct names {
	name *v;
	size_t n, room;
} names;

/* A change of names since the last sync of the folder: one, or the two of a rename, together. */
typedef struct naming {
	name set[2];
	int n;
} naming;

typedef struct handle {
	int file; /* -1: closed */
	uint64_t at;
	bool append;
} handle;

struct disk {
	pthread_mutex_t lock;
	file *files;
	int n_files;
	names now, sure;
	naming *namings;
	size_t n_namings;
	handle handles[MOST_HANDLES];
	disk_event event;
	uint64_t at, operations, state;
	bool happened, off, full;
	char *told; /* the last answer of disk_name */
};

static void *need(void *p)
{
	if (!p)
		abort(); /* a test without memory proves nothing */
	return p;
}

static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* ---- bytes, names ---- */

static void bytes_length(bytes *b, size_t n)
{
	if (n > b->capacity) {
		b->capacity = n + n / 2 + ROOM;
		b->at = need(realloc(b->at, b->capacity));
	}
	if (n > b->n)
		memset(b->at + b->n, 0, n - b->n);
	b->n = n;
}

static void bytes_put(bytes *b, uint64_t at, const void *from, size_t n)
{
	if (at + n > b->n)
		bytes_length(b, at + n);
	if (n > 0)
		memcpy(b->at + at, from, n);
}

static void bytes_copy(bytes *to, const bytes *from)
{
	bytes_length(to, 0);
	bytes_put(to, 0, from->at, from->n);
}

static name *names_find(names *s, const char *path)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i].path, path) == 0)
			return &s->v[i];
	return NULL;
}

static int names_file(names *s, const char *path)
{
	name *at = names_find(s, path);
	return at ? at->file : -1;
}

static void names_set(names *s, const char *path, int f)
{
	name *at = names_find(s, path);
	if (!at) {
		if (s->n == s->room) {
			s->room = s->room * 2 + 8;
			s->v = need(realloc(s->v, s->room * sizeof *s->v));
		}
		at = &s->v[s->n++];
		at->path = need(strdup(path));
	}
	at->file = f;
}

static void names_free(names *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i].path);
	free(s->v);
	*s = (names){0};
}

static void names_copy(names *to, const names *from)
{
	names_free(to);
	for (size_t i = 0; i < from->n; i++)
		names_set(to, from->v[i].path, from->v[i].file);
}

static void note_naming(disk *d, const char *a, int file_a, const char *b, int file_b)
{
	d->namings = need(realloc(d->namings, (d->n_namings + 1) * sizeof *d->namings));
	naming *g = &d->namings[d->n_namings++];
	*g = (naming){.n = b ? 2 : 1};
	g->set[0] = (name){need(strdup(a)), file_a};
	names_set(&d->now, a, file_a);
	if (b) {
		g->set[1] = (name){need(strdup(b)), file_b};
		names_set(&d->now, b, file_b);
	}
}

static void naming_free(naming *g)
{
	for (int i = 0; i < g->n; i++)
		free(g->set[i].path);
}

/* ---- files ---- */

static void note_change(file *f, bool length, uint64_t at, uint64_t n, const void *data)
{
	if (f->n_changes == f->room) {
		f->room = f->room * 2 + 8;
		f->changes = need(realloc(f->changes, f->room * sizeof *f->changes));
	}
	change *c = &f->changes[f->n_changes++];
	*c = (change){length, at, n, NULL};
	if (!length) {
		c->data = need(malloc(n + 1));
		memcpy(c->data, data, n);
	}
}

static void changes_forget(file *f)
{
	for (size_t i = 0; i < f->n_changes; i++)
		free(f->changes[i].data);
	f->n_changes = 0;
}

static int file_add(disk *d)
{
	d->files = need(realloc(d->files, (size_t)(d->n_files + 1) * sizeof *d->files));
	d->files[d->n_files] = (file){0};
	return d->n_files++;
}

disk *disk_new(void)
{
	disk *d = need(calloc(1, sizeof *d));
	pthread_mutex_init(&d->lock, NULL);
	for (int i = 0; i < MOST_HANDLES; i++)
		d->handles[i].file = -1;
	return d;
}

static void namings_forget(disk *d)
{
	for (size_t i = 0; i < d->n_namings; i++)
		naming_free(&d->namings[i]);
	d->n_namings = 0;
}

void disk_free(disk *d)
{
	if (!d)
		return;
	for (int i = 0; i < d->n_files; i++) {
		changes_forget(&d->files[i]);
		free(d->files[i].changes);
		free(d->files[i].now.at);
		free(d->files[i].sure.at);
	}
	namings_forget(d);
	free(d->namings);
	free(d->files);
	names_free(&d->now);
	names_free(&d->sure);
	free(d->told);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

disk *disk_copy(disk *from)
{
	disk *d = disk_new();
	for (int i = 0; i < from->n_files; i++) {
		file_add(d);
		bytes_copy(&d->files[i].now, &from->files[i].now);
		bytes_copy(&d->files[i].sure, &from->files[i].now);
	}
	names_copy(&d->now, &from->now);
	names_copy(&d->sure, &from->now);
	return d;
}

/* ---- the plan ---- */

void disk_plan(disk *d, disk_event event, uint64_t at_operation, uint64_t seed)
{
	d->event = event;
	d->at = at_operation;
	d->operations = 0;
	d->state = seed;
	d->happened = d->full = d->off = false;
}

uint64_t disk_operations(disk *d) { return d->operations; }
bool disk_happened(disk *d) { return d->happened; }

typedef enum kind { CREATES, WRITES, SYNCS, OTHER } kind;

/* An operation begins: 0, or how it fails. *part: of a write, how many of its n bytes are done. A machine that stops does a part too. */
static int begin(disk *d, kind what, size_t n, size_t *part)
{
	*part = n;
	if (d->off)
		return -EIO;
	bool now = ++d->operations == d->at;
	if (now && d->event == DISK_STOPS) {
		d->off = d->happened = true;
		*part = what == WRITES ? (size_t)(draw(&d->state) % (n + 1)) : draw(&d->state) % 2;
		return -EIO;
	}
	if (now && d->event == DISK_EIO) {
		d->happened = true;
		*part = what == WRITES ? (size_t)(draw(&d->state) % (n + 1)) : 0;
		return -EIO;
	}
	if (d->event == DISK_FULL && d->operations >= d->at && (what == CREATES || what == WRITES)) {
		*part = 0;
		d->happened = true;
		return -ENOSPC;
	}
	if (d->event == DISK_SHORT && d->operations >= d->at && what == WRITES && n > 1 && !d->happened) {
		d->happened = true;
		*part = 1 + (size_t)(draw(&d->state) % (n - 1));
	}
	if (d->event == DISK_SYNC_FAILS && d->operations >= d->at && what == SYNCS && !d->happened) {
		d->happened = true;
		*part = 0;
		return -EIO;
	}
	return 0;
}

/* ---- calls ---- */

static handle *handle_of(disk *d, int h) { return h >= 0 && h < MOST_HANDLES && d->handles[h].file >= 0 ? &d->handles[h] : NULL; }

static int open_handle(disk *d, int f, bool append)
{
	for (int i = 0; i < MOST_HANDLES; i++)
		if (d->handles[i].file < 0) {
			d->handles[i] = (handle){f, 0, append};
			return i;
		}
	return -EMFILE;
}

static int opened(disk *d, const char *path, int flags)
{
	size_t part;
	int f = names_file(&d->now, path);
	if (d->off)
		return -EIO;
	if (f >= 0 && (flags & DISK_EXCLUSIVE))
		return -EEXIST;
	if (f < 0 && !(flags & DISK_CREATE))
		return -ENOENT;
	if (f < 0) {
		int status = begin(d, CREATES, 1, &part);
		if (part > 0) {
			f = file_add(d);
			note_naming(d, path, f, NULL, 0);
		}
		if (status)
			return status;
	} else if ((flags & DISK_TRUNCATE) && d->files[f].now.n > 0) {
		int status = begin(d, OTHER, 1, &part);
		if (part > 0) {
			bytes_length(&d->files[f].now, 0);
			note_change(&d->files[f], true, 0, 0, NULL);
		}
		if (status)
			return status;
	}
	return open_handle(d, f, (flags & DISK_APPEND) != 0);
}

int disk_open(disk *d, const char *path, int flags)
{
	pthread_mutex_lock(&d->lock);
	int h = opened(d, path, flags);
	pthread_mutex_unlock(&d->lock);
	return h;
}

int disk_close(disk *d, int h)
{
	pthread_mutex_lock(&d->lock);
	handle *at = handle_of(d, h);
	if (at) {
		d->files[at->file].locked = false; /* as POSIX has it: any close of the process lets its locks go */
		at->file = -1;
	}
	pthread_mutex_unlock(&d->lock);
	return at ? 0 : -EBADF;
}

int64_t disk_pread(disk *d, int h, void *to, size_t n, uint64_t at)
{
	pthread_mutex_lock(&d->lock);
	handle *from = handle_of(d, h);
	int64_t got = !from ? -EBADF : d->off ? -EIO : 0;
	if (got == 0 && at < d->files[from->file].now.n) {
		size_t there = d->files[from->file].now.n - at;
		got = (int64_t)(n < there ? n : there);
		memcpy(to, d->files[from->file].now.at + at, (size_t)got);
	}
	pthread_mutex_unlock(&d->lock);
	return got;
}

static int64_t written(disk *d, handle *to, const void *from, size_t n, uint64_t at)
{
	size_t part;
	file *f = &d->files[to->file];
	int status = begin(d, WRITES, n, &part);
	if (part > 0 && n > 0) {
		bytes_put(&f->now, at, from, part);
		note_change(f, false, at, part, from);
	}
	return status ? status : (int64_t)part;
}

int64_t disk_pwrite(disk *d, int h, const void *from, size_t n, uint64_t at)
{
	pthread_mutex_lock(&d->lock);
	handle *to = handle_of(d, h);
	int64_t done = to ? written(d, to, from, n, at) : -EBADF;
	pthread_mutex_unlock(&d->lock);
	return done;
}

int64_t disk_write(disk *d, int h, const void *from, size_t n)
{
	pthread_mutex_lock(&d->lock);
	handle *to = handle_of(d, h);
	if (to && to->append)
		to->at = d->files[to->file].now.n;
	int64_t done = to ? written(d, to, from, n, to->at) : -EBADF;
	if (done > 0)
		to->at += (uint64_t)done;
	pthread_mutex_unlock(&d->lock);
	return done;
}

static int lengthen(disk *d, int h, uint64_t size, bool only_longer)
{
	size_t part;
	handle *at = handle_of(d, h);
	if (!at)
		return -EBADF;
	file *f = &d->files[at->file];
	int status = begin(d, only_longer ? CREATES : OTHER, 1, &part);
	if (part > 0 && (!only_longer || size > f->now.n)) {
		bytes_length(&f->now, size);
		note_change(f, true, 0, size, NULL);
	}
	return status;
}

int disk_truncate(disk *d, int h, uint64_t size)
{
	pthread_mutex_lock(&d->lock);
	int status = lengthen(d, h, size, false);
	pthread_mutex_unlock(&d->lock);
	return status;
}

int disk_allocate(disk *d, int h, uint64_t at, uint64_t n)
{
	pthread_mutex_lock(&d->lock);
	int status = lengthen(d, h, at + n, true);
	pthread_mutex_unlock(&d->lock);
	return status;
}

/* What a failed sync should have made sure of is seen until the power goes, and counts as synced. */
static int synced(disk *d, int h)
{
	size_t part;
	handle *at = handle_of(d, h);
	if (!at)
		return -EBADF;
	file *f = &d->files[at->file];
	int status = begin(d, SYNCS, 1, &part);
	if (status && d->event == DISK_SYNC_FAILS)
		changes_forget(f);
	if (status)
		return status; /* a sync that is cut off: what is not sure stays so */
	for (size_t i = 0; i < f->n_changes; i++) {
		const change *c = &f->changes[i];
		if (c->length)
			bytes_length(&f->sure, c->n);
		else
			bytes_put(&f->sure, c->at, c->data, c->n);
	}
	changes_forget(f);
	return 0;
}

int disk_sync(disk *d, int h)
{
	pthread_mutex_lock(&d->lock);
	int status = synced(d, h);
	pthread_mutex_unlock(&d->lock);
	return status;
}

int64_t disk_size(disk *d, int h)
{
	pthread_mutex_lock(&d->lock);
	handle *at = handle_of(d, h);
	int64_t size = !at ? -EBADF : d->off ? -EIO : (int64_t)d->files[at->file].now.n;
	pthread_mutex_unlock(&d->lock);
	return size;
}

int64_t disk_path_size(disk *d, const char *path)
{
	pthread_mutex_lock(&d->lock);
	int f = names_file(&d->now, path);
	int64_t size = d->off ? -EIO : f < 0 ? -ENOENT : (int64_t)d->files[f].now.n;
	pthread_mutex_unlock(&d->lock);
	return size;
}

int disk_rename(disk *d, const char *from, const char *to)
{
	size_t part;
	pthread_mutex_lock(&d->lock);
	int f = names_file(&d->now, from), status = d->off ? -EIO : f < 0 ? -ENOENT : 0;
	if (status == 0) {
		status = begin(d, OTHER, 1, &part);
		if (part > 0)
			note_naming(d, from, -1, to, f);
	}
	pthread_mutex_unlock(&d->lock);
	return status;
}

int disk_unlink(disk *d, const char *path)
{
	size_t part;
	pthread_mutex_lock(&d->lock);
	int status = d->off ? -EIO : names_file(&d->now, path) < 0 ? -ENOENT : 0;
	if (status == 0) {
		status = begin(d, OTHER, 1, &part);
		if (part > 0)
			note_naming(d, path, -1, NULL, 0);
	}
	pthread_mutex_unlock(&d->lock);
	return status;
}

static bool within(const char *path, const char *folder)
{
	size_t n = strlen(folder);
	while (n > 0 && folder[n - 1] == '/')
		n--;
	return strncmp(path, folder, n) == 0 && path[n] == '/' && !strchr(path + n + 1, '/');
}

int disk_sync_folder(disk *d, const char *folder)
{
	size_t part, kept = 0;
	pthread_mutex_lock(&d->lock);
	int status = begin(d, SYNCS, 1, &part);
	for (size_t i = 0; (!status || d->event == DISK_SYNC_FAILS) && i < d->n_namings; i++) {
		naming *g = &d->namings[i];
		if (!within(g->set[0].path, folder)) {
			d->namings[kept++] = *g;
			continue;
		}
		for (int k = 0; k < g->n && !status; k++)
			names_set(&d->sure, g->set[k].path, g->set[k].file);
		naming_free(g);
	}
	if (!status || d->event == DISK_SYNC_FAILS)
		d->n_namings = d->off ? d->n_namings : kept;
	pthread_mutex_unlock(&d->lock);
	return status;
}

int disk_lock(disk *d, int h)
{
	pthread_mutex_lock(&d->lock);
	handle *at = handle_of(d, h);
	int status = !at ? -EBADF : d->off ? -EIO : d->files[at->file].locked ? -EAGAIN : 0;
	if (status == 0)
		d->files[at->file].locked = true;
	pthread_mutex_unlock(&d->lock);
	return status;
}

static int by_path(const void *a, const void *b) { return strcmp(((const name *)a)->path, ((const name *)b)->path); }

const char *disk_name(disk *d, const char *folder, size_t n)
{
	pthread_mutex_lock(&d->lock);
	free(d->told);
	d->told = NULL;
	if (d->now.n > 0)
		qsort(d->now.v, d->now.n, sizeof *d->now.v, by_path);
	for (size_t i = 0; i < d->now.n && !d->told && !d->off; i++)
		if (d->now.v[i].file >= 0 && within(d->now.v[i].path, folder) && n-- == 0)
			d->told = need(strdup(strrchr(d->now.v[i].path, '/') + 1));
	pthread_mutex_unlock(&d->lock);
	return d->told;
}

bool disk_import(disk *d, const char *path, const void *from, size_t n)
{
	int f = file_add(d);
	bytes_put(&d->files[f].now, 0, from, n);
	bytes_put(&d->files[f].sure, 0, from, n);
	names_set(&d->now, path, f);
	names_set(&d->sure, path, f);
	return true;
}

/* ---- the power ---- */

/* How a cut treats what was not synced: nothing is there, all of it, the first so many, any. */
typedef enum manner { LOSES_ALL, KEEPS_ALL, KEEPS_FIRST, KEEPS_ANY, MANNERS } manner;

static bool keeps(manner how, size_t i, size_t cut, uint64_t *state)
{
	return how == KEEPS_ALL || (how == KEEPS_FIRST && i < cut) || (how == KEEPS_ANY && draw(state) % 2);
}

/* Sectors of one write, each there or not; one of them, now and then, in part. A file that was longer has zeros where they are not. */
static void write_survives(file *f, const change *c, bool whole, uint64_t *state)
{
	if (whole && draw(state) % 4) {
		bytes_put(&f->sure, c->at, c->data, c->n);
		return;
	}
	for (uint64_t done = 0; done < c->n;) {
		uint64_t n = SECTOR - (c->at + done) % SECTOR;
		n = n < c->n - done ? n : c->n - done;
		if (draw(state) % 2) {
			uint64_t part = draw(state) % 8 ? n : draw(state) % (n + 1);
			bytes_put(&f->sure, c->at + done, c->data + done, part);
			if (c->at + done + n > f->sure.n && draw(state) % 2)
				bytes_length(&f->sure, c->at + done + n);
		}
		done += n;
	}
}

static void file_survives(file *f, uint64_t *state)
{
	manner how = (manner)(draw(state) % MANNERS);
	size_t cut = f->n_changes ? draw(state) % (f->n_changes + 1) : 0;
	for (size_t i = 0; i < f->n_changes; i++) {
		const change *c = &f->changes[i];
		bool kept = keeps(how, i, cut, state);
		if (c->length && kept)
			bytes_length(&f->sure, c->n);
		else if (!c->length && (kept || (how == KEEPS_FIRST && i == cut)))
			write_survives(f, c, kept && how != KEEPS_ANY, state);
	}
	changes_forget(f);
	bytes_copy(&f->now, &f->sure);
	f->locked = false;
}

void disk_power_cycle(disk *d, uint64_t seed)
{
	uint64_t state = seed;
	manner how = (manner)(draw(&state) % MANNERS);
	size_t cut = d->n_namings ? draw(&state) % (d->n_namings + 1) : 0;
	for (size_t i = 0; i < d->n_namings; i++)
		for (int k = 0, kept = keeps(how, i, cut, &state); k < d->namings[i].n && kept; k++)
			names_set(&d->sure, d->namings[i].set[k].path, d->namings[i].set[k].file);
	namings_forget(d);
	names_copy(&d->now, &d->sure);
	for (int i = 0; i < d->n_files; i++)
		file_survives(&d->files[i], &state);
	for (int i = 0; i < MOST_HANDLES; i++)
		d->handles[i].file = -1;
	disk_plan(d, DISK_NOTHING, 0, seed);
}
