/* crash_disk_power.c - what a power cut leaves: of each file, the synced bytes with any of the sectors written since, some of them torn;
 * its length, any that it had since; names as after the last sync of the folder, with any of the later changes. */
#include "tests/crash_disk_parts.h"

#include <stdlib.h>
#include <string.h>

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

/* What is in a folder that is not there any more cannot be had back, not by making the folder again either. */
static void folders_survive(disk *d)
{
	for (size_t i = 0; i < d->sure.n; i++) /* a folder's name may stand behind that of a file in it: once for each level */
		for (size_t k = 0; k < d->sure.n; k++) {
			name *at = &d->sure.v[k];
			const char *last = strrchr(at->path, '/');
			if (at->file < 0 || !last || strchr(at->path + 1, '/') == last || last == at->path)
				continue;
			char *folder = need(strndup(at->path, (size_t)(last - at->path)));
			int f = names_file(&d->sure, folder);
			at->file = f >= 0 && d->files[f].folder ? at->file : -1;
			free(folder);
		}
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
	folders_survive(d);
	names_copy(&d->now, &d->sure);
	for (int i = 0; i < d->n_files; i++)
		file_survives(&d->files[i], &state);
	for (int i = 0; i < MOST_HANDLES; i++)
		d->handles[i].file = -1;
	disk_plan(d, DISK_NOTHING, 0, seed);
}
