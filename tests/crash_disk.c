/* crash_disk.c - see crash_disk.h: what the calls do. crash_disk_power.c has what a cut leaves. */
#include "tests/crash_disk_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void *need(void *p)
{
	if (!p)
		abort(); /* a test without memory proves nothing */
	return p;
}

uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* ---- bytes, names ---- */

void bytes_length(bytes *b, size_t n)
{
	if (n > b->capacity) {
		b->capacity = n + n / 2 + ROOM;
		b->at = need(realloc(b->at, b->capacity));
	}
	if (n > b->n)
		memset(b->at + b->n, 0, n - b->n);
	b->n = n;
}

void bytes_put(bytes *b, uint64_t at, const void *from, size_t n)
{
	if (at + n > b->n)
		bytes_length(b, at + n);
	if (n > 0)
		memcpy(b->at + at, from, n);
}

void bytes_copy(bytes *to, const bytes *from)
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

int names_file(names *s, const char *path)
{
	name *at = names_find(s, path);
	return at ? at->file : -1;
}

void names_set(names *s, const char *path, int f)
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

void names_copy(names *to, const names *from)
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

void changes_forget(file *f)
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

void namings_forget(disk *d)
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
		d->files[i].folder = from->files[i].folder;
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

/* Whether a name may be made here: its folder is there. */
static bool has_folder(disk *d, const char *path)
{
	const char *last = strrchr(path, '/');
	if (!last || strchr(path + 1, '/') == last || last == path)
		return true;
	char *folder = need(strndup(path, (size_t)(last - path)));
	int f = names_file(&d->now, folder);
	free(folder);
	return f >= 0 && d->files[f].folder;
}

static int opened(disk *d, const char *path, int flags)
{
	size_t part;
	int f = names_file(&d->now, path);
	if (d->off)
		return -EIO;
	if (f >= 0 && (flags & DISK_EXCLUSIVE))
		return -EEXIST;
	if (f < 0 && (!(flags & DISK_CREATE) || !has_folder(d, path)))
		return -ENOENT;
	if (f >= 0 && d->files[f].folder)
		return -EISDIR;
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

int disk_link(disk *d, const char *from, const char *to)
{
	size_t part;
	pthread_mutex_lock(&d->lock);
	int f = names_file(&d->now, from);
	int status = d->off ? -EIO : f < 0 || !has_folder(d, to) ? -ENOENT : names_file(&d->now, to) >= 0 ? -EEXIST : 0;
	if (status == 0) {
		status = begin(d, CREATES, 1, &part);
		if (part > 0)
			note_naming(d, to, f, NULL, 0);
	}
	pthread_mutex_unlock(&d->lock);
	return status;
}

int disk_make_folder(disk *d, const char *path)
{
	size_t part;
	pthread_mutex_lock(&d->lock);
	int status = d->off ? -EIO : names_file(&d->now, path) >= 0 ? -EEXIST : !has_folder(d, path) ? -ENOENT : 0;
	if (status == 0) {
		status = begin(d, CREATES, 1, &part);
		if (part > 0) {
			int f = file_add(d);
			d->files[f].folder = true;
			note_naming(d, path, f, NULL, 0);
		}
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
	int status = !at ? -EBADF : d->off ? -EIO : d->files[at->file].locked ? -EWOULDBLOCK : 0;
	if (status == 0)
		d->files[at->file].locked = true;
	pthread_mutex_unlock(&d->lock);
	return status;
}

static int by_path(const void *a, const void *b) { return strcmp(((const name *)a)->path, ((const name *)b)->path); }

int disk_copy_name(disk *d, const char *folder, size_t n, char *to, size_t room)
{
	int found = 0;
	pthread_mutex_lock(&d->lock);
	if (d->now.n > 0)
		qsort(d->now.v, d->now.n, sizeof *d->now.v, by_path);
	for (size_t i = 0; i < d->now.n && !found && !d->off; i++) {
		const name *at = &d->now.v[i];
		const char *last = strrchr(at->path, '/');
		if (at->file < 0 || !within(at->path, folder) || strlen(last + 1) >= room || n-- > 0)
			continue;
		strcpy(to, last + 1);
		found = 1;
	}
	int status = d->off ? -EIO : found;
	pthread_mutex_unlock(&d->lock);
	return status;
}

int disk_alone(disk *d, int h)
{
	pthread_mutex_lock(&d->lock);
	const handle *at = handle_of(d, h);
	unsigned held = 0, named = 0;
	for (int i = 0; at && i < MOST_HANDLES; i++)
		held += d->handles[i].file == at->file;
	for (size_t i = 0; at && i < d->now.n; i++)
		named += d->now.v[i].file == at->file;
	pthread_mutex_unlock(&d->lock);
	return at && held == 1 && named == 1;
}

const char *disk_name(disk *d, const char *folder, size_t n)
{
	enum { LONGEST_NAME = 256 };
	free(d->told);
	d->told = need(malloc(LONGEST_NAME));
	return disk_copy_name(d, folder, n, d->told, LONGEST_NAME) == 1 ? d->told : NULL;
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
