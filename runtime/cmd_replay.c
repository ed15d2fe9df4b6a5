/* `mmsb replay`: the epochs of a state folder, once more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../compiler/native_cc.h"
#include "../state/checkpoint.h"
#include "args.h"
#include "bind.h"
#include "load.h"
#include "native.h"
#include "outputs.h"
#include "watch.h"

static const char help[] =
	"Usage: mmsb replay DIR [OPTION]...\n"
	"\n"
	"Goes through the epochs of a state folder again, which is not changed by it.\n"
	"\n"
	"      --until EPOCH|TIME    stop after this epoch (default: the last)\n"
	"      --out PAGE=PATH|-     write a page at the end: .npy, .csv, .mtx or .pgm; - prints CSV\n"
	"      --watch PAGE[=PATH]   write after each epoch what changed, as a text of deltas\n"
	"      --digest[=each]       print `digest EPOCH HEX` at the end, or after each epoch\n"
	"      --verify              begin with the first epoch, compare with every digest of the log and every checkpoint\n"
	"      --executor NAME       what evaluates: automatic, portable, native (compiles C first) or cuda\n"
	"      --or-portable         where the compiler of --executor native or cuda fails: a note, and portable\n"
	"      --threads N           use N threads (default: all cores)\n"
	"      --help\n"
	"\n"
	"Exit status: 0 fine, 1 the folder is wrong or does not verify, 2 wrong usage, 3 the machine.\n";

enum { OPT_UNTIL = 256, OPT_OUT, OPT_WATCH, OPT_DIGEST, OPT_VERIFY, OPT_EXECUTOR, OPT_OR_PORTABLE, OPT_THREADS };
static const struct option options[] = {
	{"until", required_argument, NULL, OPT_UNTIL}, {"out", required_argument, NULL, OPT_OUT}, {"watch", required_argument, NULL, OPT_WATCH},
	{"digest", optional_argument, NULL, OPT_DIGEST}, {"verify", no_argument, NULL, OPT_VERIFY},
	{"executor", required_argument, NULL, OPT_EXECUTOR}, {"or-portable", no_argument, NULL, OPT_OR_PORTABLE},
	{"threads", required_argument, NULL, OPT_THREADS},
	{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0},
};
static const args_command command = {"replay", help, options, 1, 1, "a folder is missing: mmsb replay DIR", NULL};

typedef struct replay {
	run_spec spec;          /* outs, watches, digest, executor, threads */
	const char *until;
	bool verify;
	history *h;
	player *p;
	uint64_t epoch;         /* the last to be played */
	outfile standard;
	watchers *watching;
	mmsb_error err;
} replay;

/* ---- options ----------------------------------------------------------------------------------- */

static int take_option(void *user, int option, char *value)
{
	replay *r = user;
	uint64_t n = 0;
	int status;
	switch (option) {
	case OPT_UNTIL: r->until = value; break;
	case OPT_OUT: return args_pair(&command, &r->spec.outs, "--out", "PAGE=PATH or PAGE=-", value, false);
	case OPT_WATCH: return args_pair(&command, &r->spec.watches, "--watch", "PAGE or PAGE=PATH", value, true);
	case OPT_DIGEST: return args_digest(&command, &r->spec, value);
	case OPT_VERIFY: r->verify = true; break;
	case OPT_EXECUTOR:
		if (runspec_executor(value) < 0)
			return args_usage(&command, "there is no executor '%s' here; there are 'automatic', 'portable', 'native' and 'cuda'", value);
		return runspec_text(&r->spec.executor, value) ? RUNOPTS_GO : args_no_memory();
	case OPT_OR_PORTABLE: runspec_set(&r->spec, RUN_OR_PORTABLE, true); break;
	default:
		status = args_count(&command, "--threads", value, 1, RUN_MOST_THREADS, &n);
		runspec_set(&r->spec, RUN_THREADS, n);
		return status;
	}
	return RUNOPTS_GO;
}

/* ---- outputs ----------------------------------------------------------------------------------- */

static int add_watch(replay *r, const run_pair *w)
{
	mmsb_info info;
	int id = find_page(r->p->m, w->name, &r->err);
	if (id < 0)
		return MMSB_NAME;
	mmsb_page_info(r->p->m, id, &info);
	if (!info.stored)
		return fail(&r->err, MMSB_INPUT, "page '%s' has no values of its own, for it is computed where it is used", w->name);
	return watchers_add(r->watching, id, w->value == NULL ? "-" : w->value, &r->err);
}

static int prepare_outputs(replay *r)
{
	int status = outfile_open(&r->standard, "-", false, &r->err);
	for (size_t i = 0; i < r->spec.outs.count && status == MMSB_OK; i++) {
		const run_pair *o = &r->spec.outs.items[i];
		int id = find_page(r->p->m, o->name, &r->err);
		status = id < 0 ? MMSB_NAME : output_check(r->p->m, id, o->value, &r->err);
	}
	if (status != MMSB_OK)
		return status;
	r->watching = watchers_new(r->p->m, &r->standard);
	if (r->watching == NULL)
		return fail_memory(&r->err, 64, "the watched pages");
	for (size_t i = 0; i < r->spec.watches.count && status == MMSB_OK; i++)
		status = add_watch(r, &r->spec.watches.items[i]);
	return status;
}

static int print_digest(replay *r)
{
	char hex[33], line[80];
	int status = mmsb_digest(r->p->m, hex, &r->err);
	if (status != MMSB_OK)
		return status;
	snprintf(line, sizeof line, "digest %llu %s\n", (unsigned long long)r->p->m->epoch, hex);
	outfile_text(&r->standard, line);
	return MMSB_OK;
}

static bool shows_each(const replay *r) { return r->spec.watches.count > 0 || r->spec.option[RUN_DIGEST] == DIGEST_EACH; }

static int after_epoch(void *user, const history_epoch *now, mmsb_error *err)
{
	replay *r = user;
	(void)now, (void)err; /* it is r's */
	int status = watchers_epoch(r->watching, &r->err);
	if (status == MMSB_OK && r->spec.option[RUN_DIGEST] == DIGEST_EACH)
		status = print_digest(r);
	return status;
}

static int write_outputs(replay *r)
{
	int status = MMSB_OK;
	for (size_t i = 0; i < r->spec.outs.count && status == MMSB_OK; i++) {
		const run_pair *o = &r->spec.outs.items[i];
		status = output_write(r->p->m, mmsb_page(r->p->m, o->name), o->value, &r->standard, &r->err);
	}
	if (status == MMSB_OK && r->spec.option[RUN_DIGEST] == DIGEST_END)
		status = print_digest(r);
	return status;
}

/* ---- verifying --------------------------------------------------------------------------------- */

/* A checkpoint, all of which is read, and what was played up to its epoch have the same digest. */
static int verify_checkpoint(replay *r, uint64_t epoch, const mmsb_options *use)
{
	mmsb_instance *m = NULL;
	char name[STATE_NAME], ours[33], theirs[33];
	manifest_checkpoint_name(epoch, name);
	char *path = vfs_path(r->h->folder, name);
	if (path == NULL)
		return fail_memory(&r->err, sizeof name, name);
	int status = mmsb_instance_new(&m, r->h->schedule, use, &r->err);
	if (status == MMSB_OK)
		status = checkpoint_read(m, r->h->fs, path, NULL, NULL, &r->err);
	if (status == MMSB_OK)
		status = mmsb_digest(m, theirs, &r->err);
	if (status == MMSB_OK)
		status = mmsb_digest(r->p->m, ours, &r->err);
	if (status == MMSB_OK && strcmp(ours, theirs) != 0)
		status = fail(&r->err, MMSB_FAULT, "%s: the checkpoint has the digest %s, but playing the log up to epoch %llu gives %s", path, theirs,
		              (unsigned long long)epoch, ours);
	mmsb_instance_free(m);
	free(path);
	return status;
}

static int play_verified(replay *r, history_each *each, const mmsb_options *use)
{
	const manifest *files = &r->h->files;
	unsigned checkpoints = 0;
	uint64_t from = r->p->m->epoch + (r->p->m->epoch == 0);
	int status = MMSB_OK;
	r->p->verify = true;
	for (size_t i = 0; i < files->n_checkpoints && status == MMSB_OK; i++) {
		uint64_t epoch = files->checkpoints[i].epoch;
		if (epoch < r->p->m->epoch || epoch > r->epoch)
			continue;
		status = player_to(r->p, epoch, each, r, &r->err);
		if (status == MMSB_OK)
			status = verify_checkpoint(r, epoch, use);
		checkpoints++;
	}
	if (status == MMSB_OK)
		status = player_to(r->p, r->epoch, each, r, &r->err);
	if (status != MMSB_OK)
		return status;
	char line[200];
	snprintf(line, sizeof line, "verified: epochs %llu to %llu, %llu digest%s, %u checkpoint%s\n", (unsigned long long)from, (unsigned long long)r->epoch,
	         (unsigned long long)r->p->digests, r->p->digests == 1 ? "" : "s", checkpoints, checkpoints == 1 ? "" : "s");
	outfile_text(&r->standard, line);
	return MMSB_OK;
}

/* ---- the whole --------------------------------------------------------------------------------- */

static int play(replay *r)
{
	mmsb_options use = {.size = sizeof use, .threads = (int)r->spec.option[RUN_THREADS], .executor = load_executor(&r->spec)};
	bool all = shows_each(r) || r->verify, first = all && r->h->earliest == 1;
	int status = player_new(&r->p, r->h, all ? r->h->earliest : r->epoch, first, &use, &r->err);
	if (status == MMSB_OK)
		status = prepare_outputs(r);
	if (status != MMSB_OK)
		return status;
	history_each *each = shows_each(r) ? after_epoch : NULL;
	status = r->verify ? play_verified(r, each, &use) : player_to(r->p, r->epoch, each, r, &r->err);
	return status == MMSB_OK ? write_outputs(r) : status;
}

static int run_replay(replay *r, const char *folder)
{
	int status = history_open(&r->h, &vfs_machine, folder, &r->err);
	if (status == MMSB_OK)
		r->h->note = args_note;
	if (status == MMSB_OK)
		status = load_code(&r->spec, r->h->schedule, &r->err);
	if (status == MMSB_OK && r->until != NULL)
		status = history_find(r->h, r->until, &r->epoch, &r->err);
	if (status == MMSB_OK && r->until == NULL)
		r->epoch = r->h->last;
	if (status == MMSB_OK)
		status = play(r);
	if (status == MMSB_OK && r->until == NULL && r->h->damage.status != MMSB_OK) {
		r->err = r->h->damage;
		status = r->err.status;
	}
	mmsb_error other;
	int closed = r->watching != NULL ? watchers_close(r->watching, status == MMSB_OK ? &r->err : &other) : MMSB_OK;
	status = status == MMSB_OK ? closed : status;
	closed = outfile_close(&r->standard, status == MMSB_OK ? &r->err : &other);
	status = status == MMSB_OK ? closed : status;
	if (status == MMSB_OK && r->h->torn > 0)
		fprintf(stderr, "mmsb: note: %llu bytes behind epoch %llu are no whole record: they were never acknowledged\n",
		        (unsigned long long)r->h->torn, (unsigned long long)r->h->last);
	return status;
}

int cmd_replay(int argc, char **argv)
{
	replay r = {.standard = {.fd = -1}};
	int status = args_parse(argc, argv, &command, take_option, &r);
	if (status == RUNOPTS_GO)
		status = args_end(run_replay(&r, argv[optind]), &r.err);
	watchers_free(r.watching);
	player_free(r.p);
	history_close(r.h);
	runspec_free(&r.spec);
	return status;
}
