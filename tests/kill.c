/* kill.c - `mmsb run --state` killed with SIGKILL at random moments, and started again, until all deltas are in: what it told is there again,
 * and every epoch has the output and the digest of a run without a crash. Deltas come by a pipe, and go on behind the last epoch that is there.
 * MMSB_KILLS=N: so many kills; MMSB_KILL_SEED=N: other deltas and moments. On failure the folder is kept. */
#define _GNU_SOURCE /* pipe2, ppoll */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { KILLS = 25, EPOCHS = 240, N_VALUE = 20000, LIMIT_MS = 120000, ROOM = 512 };

static const char program[] =
    "param N, B;\npage x : f64[N] in;\npage k : index(B)[N] in;\npage total : f64[B] out;\npage trail : f64 out;\n"
    "edge total[b] <- sum[i where k[i] == b] x[i];\nedge trail <- 0.5 * prev trail + sum[i] x[i];\n";

static char work[ROOM], binary[ROOM], source[ROOM + 16], deltas[ROOM + 16], folder[ROOM + 32];
static unsigned passed, failed;
static uint64_t state;

static uint64_t draw(uint64_t below)
{
	uint64_t z = state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % below;
}

static uint64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static _Noreturn void give_up(const char *what)
{
	perror(what);
	printf("%u passed, %u failed\n", passed, failed + 1);
	exit(1);
}

static bool check(bool good, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool check(bool good, const char *fmt, ...)
{
	va_list args;
	passed += good;
	failed += !good;
	if (good)
		return true;
	va_start(args, fmt);
	printf("failed: %s: ", folder);
	vprintf(fmt, args);
	printf("\n");
	va_end(args);
	return false;
}

/* ---- texts ------------------------------------------------------------------------------------- */

typedef struct text {
	char *at;
	size_t n, capacity;
} text;

static void add(text *t, const char *from, size_t n)
{
	if (t->n + n + 1 > t->capacity) {
		t->capacity = 2 * (t->n + n + 1);
		t->at = realloc(t->at, t->capacity);
		if (!t->at)
			give_up("memory");
	}
	memcpy(t->at + t->n, from, n);
	t->n += n;
	t->at[t->n] = '\0';
}

static void write_file(const char *path, const char *from, size_t n)
{
	FILE *to = fopen(path, "w");
	if (!to || fwrite(from, 1, n, to) != n || fclose(to))
		give_up(path);
}

/* All deltas and, behind epoch e, deltas_end[e]; the output of a run of them all, and told_end[e]. */
static text fed, told;
static size_t fed_end[EPOCHS + 1], told_end[EPOCHS + 1];

/* Epoch 1 has no deltas: it is that of the inputs. Most are small; some are so large that the log needs more segments than one. */
static void make_deltas(void)
{
	fed.n = 0;
	for (int e = 2; e <= EPOCHS; e++) {
		uint64_t n = draw(8) == 0 ? 4000 + draw(12000) : 1 + draw(60);
		for (uint64_t i = 0; i < n; i++) {
			char line[64];
			bool moves = draw(6) == 0;
			int used = snprintf(line, sizeof line, "%c,%u,%u\n", moves ? 'k' : 'x', (unsigned)draw(N_VALUE), (unsigned)draw(moves ? 8 : 100000));
			add(&fed, line, (size_t)used);
		}
		add(&fed, "commit\n", 7);
		fed_end[e] = fed.n;
	}
}

/* ---- processes --------------------------------------------------------------------------------- */

typedef struct process {
	pid_t id;
	int in, out;
} process;

/* Its standard input (with_input) and output are pipes; what it says of errors goes to the file `said`. */
static process start(char *const *argv, bool with_input)
{
	int in[2] = {-1, -1}, out[2];
	char said[ROOM + 16];
	snprintf(said, sizeof said, "%s/said", work);
	if ((with_input && pipe2(in, O_CLOEXEC)) || pipe2(out, O_CLOEXEC))
		give_up("pipe");
	pid_t id = fork();
	if (id < 0)
		give_up("fork");
	if (id == 0) {
		int err = open(said, O_WRONLY | O_CREAT | O_TRUNC, 0600), null = open("/dev/null", O_RDONLY);
		dup2(with_input ? in[0] : null, 0);
		dup2(out[1], 1);
		dup2(err, 2);
		execv(binary, argv);
		_exit(127);
	}
	if (with_input) {
		close(in[0]);
		fcntl(in[1], F_SETFL, O_NONBLOCK);
	}
	close(out[1]);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	return (process){id, in[1], out[0]};
}

static void show_said(void)
{
	char command[ROOM + 32];
	snprintf(command, sizeof command, "sed 's/^/  /' %s/said", work);
	fflush(stdout);
	if (system(command))
		printf("  (it said nothing)\n");
}

static bool has_said(const char *what)
{
	char said[ROOM + 16], bytes[ROOM];
	snprintf(said, sizeof said, "%s/said", work);
	FILE *from = fopen(said, "r");
	size_t n = from ? fread(bytes, 1, sizeof bytes - 1, from) : 0;
	if (from)
		fclose(from);
	bytes[n] = '\0';
	return strstr(bytes, what);
}

/* Takes what there is; false: it has ended. */
static bool take(process *p, text *out)
{
	char bytes[65536];
	ssize_t n;
	while ((n = read(p->out, bytes, sizeof bytes)) > 0)
		add(out, bytes, (size_t)n);
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* A command to its end; its exit status. */
static int command(char *const *argv, text *out)
{
	process p = start(argv, false);
	int status;
	out->n = 0;
	add(out, "", 0);
	while (take(&p, out)) {
		struct pollfd wait = {.fd = p.out, .events = POLLIN};
		poll(&wait, 1, -1);
	}
	close(p.out);
	if (waitpid(p.id, &status, 0) < 0)
		give_up("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- the run without a crash ------------------------------------------------------------------- */

static void run_whole(void)
{
	char size[32];
	snprintf(size, sizeof size, "N=%d", N_VALUE);
	write_file(deltas, fed.at, fed.n);
	char *argv[] = {binary, "run", source, "-D", size, "-D", "B=8", "--deltas", deltas, "--watch", "total", "--digest=each", NULL};
	int e = 0;
	if (command(argv, &told) != 0)
		show_said();
	for (char *line = told.at, *end; e <= EPOCHS && (end = strchr(line, '\n')); line = end + 1) {
		int epoch;
		if (sscanf(line, "digest %d ", &epoch) != 1)
			continue;
		if (epoch != e + 1 || epoch > EPOCHS)
			break;
		told_end[++e] = (size_t)(end + 1 - told.at);
	}
	if (!check(e == EPOCHS && told_end[e] == told.n, "the run without a crash has %d epochs, not %d", e, EPOCHS))
		exit((printf("%u passed, %u failed\n", passed, failed), 1));
}

/* ---- one life of a run ------------------------------------------------------------------------- */

/* When it is killed: a time after its start, or after so many epochs that it told, or after so many new manifests (a segment or a checkpoint has
 * just begun to count), or after the end of its input. */
typedef enum moment { AT_START, AT_TIME, AT_EPOCHS, AT_MANIFEST, AT_END, NEVER } moment;

typedef struct life {
	moment when;
	uint64_t after_us;
	int epochs, manifests;
	ino_t manifest;       /* the one seen last; 0: none */
	bool one_by_one;      /* an epoch is fed when the one before was told; else as fast as it goes */
	int begun, acknowledged;
	size_t to_feed;
	bool killed;
	int status;
} life;

/* Epochs whose output is whole. The output is the beginning of what the run without a crash said of the epochs behind `begun`. */
static bool is_told(life *l, const text *out)
{
	while (l->acknowledged < EPOCHS && told_end[l->acknowledged + 1] - told_end[l->begun] <= out->n)
		l->acknowledged++;
	return out->n <= told.n - told_end[l->begun] && memcmp(out->at, told.at + told_end[l->begun], out->n) == 0;
}

/* Up to where deltas may be fed now. */
static size_t feed_end(const life *l) { return l->one_by_one && l->acknowledged < EPOCHS ? fed_end[l->acknowledged + 1] : fed.n; }

static void feed(life *l, process *p)
{
	size_t end = feed_end(l);
	ssize_t n = end > l->to_feed ? write(p->in, fed.at + l->to_feed, end - l->to_feed) : 0;
	if (n > 0)
		l->to_feed += (size_t)n;
	if (n >= 0 ? l->to_feed < fed.n : errno == EAGAIN || errno == EINTR)
		return;
	close(p->in);
	p->in = -1;
}

/* Manifests are replaced by new files. */
static ino_t manifest_now(void)
{
	char path[sizeof folder + 16];
	struct stat info;
	snprintf(path, sizeof path, "%s/MANIFEST", folder);
	return stat(path, &info) == 0 ? info.st_ino : 0;
}

static void watch_manifest(life *l)
{
	ino_t is = manifest_now();
	l->manifests -= l->manifests > 0 && is != l->manifest;
	l->manifest = is;
}

/* When to kill it, if that is known by now; 0: it is not. */
static uint64_t deadline(const life *l, const process *p, uint64_t started)
{
	switch (l->when) {
	case AT_START:
	case AT_TIME: return started + l->after_us;
	case AT_EPOCHS: return l->acknowledged - l->begun >= l->epochs ? now_us() + l->after_us : 0;
	case AT_MANIFEST: return l->manifests == 0 ? now_us() + l->after_us : 0;
	case AT_END: return p->in < 0 ? now_us() + l->after_us : 0;
	case NEVER: return 0;
	}
	return 0;
}

static void live(life *l, char *const *argv, text *out)
{
	process p = start(argv, true);
	uint64_t started = now_us(), kill_at = 0, now;
	bool goes_on = true;
	out->n = 0;
	add(out, "", 0);
	while (goes_on) {
		now = now_us();
		if (l->when == AT_MANIFEST)
			watch_manifest(l);
		kill_at = kill_at ? kill_at : deadline(l, &p, started);
		if ((kill_at && now >= kill_at) || now - started > LIMIT_MS * UINT64_C(1000))
			break;
		bool more = p.in >= 0 && (l->to_feed < feed_end(l) || l->to_feed == fed.n);
		struct pollfd wait[] = {{.fd = p.out, .events = POLLIN}, {.fd = more ? p.in : -1, .events = POLLOUT}};
		struct timespec most = {l->when != AT_MANIFEST, l->when == AT_MANIFEST ? 200000 : 0};
		if (kill_at && kill_at - now < 1000000 && l->when != AT_MANIFEST)
			most = (struct timespec){0, (long)(kill_at - now) * 1000};
		ppoll(wait, 2, &most, NULL);
		goes_on = take(&p, out);
		is_told(l, out);
		if (wait[1].revents && p.in >= 0)
			feed(l, &p);
	}
	if (goes_on) {
		kill(p.id, SIGKILL);
		l->killed = true;
	}
	if (waitpid(p.id, &l->status, 0) < 0)
		give_up("waitpid");
	take(&p, out); /* what it had told when it ended */
	close(p.out);
	if (p.in >= 0)
		close(p.in);
	l->killed &= WIFSIGNALED(l->status) && WTERMSIG(l->status) == SIGKILL;
}

/* ---- a folder ---------------------------------------------------------------------------------- */

typedef struct trial {
	const char *durability, *every;
	bool survives;        /* what was told is there after a kill */
	int epoch;            /* the last that is in the folder */
} trial;

/* The last epoch of the folder, and its digest is that of the run without a crash. Reads it as others may, without changing it. */
static bool look(trial *t, int least, int most)
{
	char manifest[sizeof folder + 16];
	text out = {NULL, 0, 0};
	int epoch = 0;
	snprintf(manifest, sizeof manifest, "%s/MANIFEST", folder);
	bool good = true;
	if (access(manifest, F_OK) == 0) {
		char *argv[] = {binary, "replay", folder, "--digest", NULL};
		int status = command(argv, &out);
		bool none = status == 1 && least == 0 && has_said("the state has no epoch yet"); /* it was killed before its first */
		good = check(status == 0 || none, "mmsb replay ends with status %d", status);
		if (!good)
			show_said();
	}
	if (good && out.n > 0) {
		good = check(sscanf(out.at, "digest %d ", &epoch) == 1 && epoch >= 0 && epoch <= EPOCHS, "mmsb replay says: %s", out.at);
		size_t from = good && epoch > 0 ? told_end[epoch] - out.n : 0;
		if (good && epoch > 0)
			good = check(memcmp(told.at + from, out.at, out.n) == 0, "epoch %d has another digest: %s", epoch, out.at);
	}
	if (good)
		good = check(epoch >= least && epoch <= most, "epoch %d is the last one there, not one from %d to %d", epoch, least, most);
	t->epoch = epoch;
	free(out.at);
	return good;
}

static void draw_life(life *l, bool may_kill, int begun)
{
	static const unsigned most_us[] = {25000, 250000, 4000, 3000, 30000, 1};
	*l = (life){.when = may_kill ? (moment)draw(NEVER) : NEVER, .begun = begun, .acknowledged = begun, .to_feed = fed_end[begun]};
	l->after_us = draw(most_us[l->when]);
	l->epochs = (int)draw(80);
	l->manifests = 1 + (int)draw(4);
	l->manifest = manifest_now();
	l->one_by_one = l->when != AT_END && draw(3) == 0;
}

/* Returns whether all was well. */
static bool one_life(trial *t, life *l)
{
	char size[32];
	text out = {NULL, 0, 0};
	snprintf(size, sizeof size, "N=%d", N_VALUE);
	char *argv[] = {binary, "run", source, "-D", size, "-D", "B=8", "--state", folder, "--deltas", "-", "--watch", "total", "--digest=each",
	                "--digest-every", "50", "--durability", (char *)t->durability, "--checkpoint-every", (char *)t->every, NULL};
	live(l, argv, &out);
	bool good = check(is_told(l, &out), "what is told after epoch %d is not what the run without a crash says", l->begun);
	if (good && !l->killed)
		good = check(WIFEXITED(l->status) && WEXITSTATUS(l->status) == 0 && l->acknowledged == EPOCHS,
		             "it went on after epoch %d, told of epoch %d, and ended with wait status %#x", l->begun, l->acknowledged, (unsigned)l->status);
	if (!good)
		show_said();
	int most = l->begun;
	while (most < EPOCHS && fed_end[most + 1] <= l->to_feed)
		most++;
	free(out.at);
	return good && look(t, l->killed && !t->survives ? 0 : l->acknowledged, most);
}

/* Lives until all deltas are in; at most so many are killed. Returns how many were. */
static unsigned lives(unsigned trial_number, unsigned kills)
{
	static const trial kinds[] = {{"epoch", "17", true, 0}, {"epoch", "100000", true, 0}, {"os", "40", true, 0}, {"group=3", "256K", false, 0},
	                              {"none", "31", false, 0}};
	trial t = kinds[trial_number % (sizeof kinds / sizeof *kinds)];
	unsigned done = 0;
	bool good = true;
	snprintf(folder, sizeof folder, "%s/state-%u", work, trial_number);
	while (good) {
		life l;
		draw_life(&l, done < kills, t.epoch);
		good = one_life(&t, &l);
		done += l.killed;
		if (!l.killed)
			break;
	}
	if (!good)
		return done;
	text out = {NULL, 0, 0};
	char *verify[] = {binary, "replay", folder, "--verify", NULL};
	if (check(command(verify, &out) == 0, "mmsb replay --verify does not end well")) {
		char remove[sizeof folder + 16];
		snprintf(remove, sizeof remove, "rm -rf '%s'", folder);
		if (system(remove))
			give_up(folder);
	} else {
		show_said();
	}
	free(out.at);
	return done;
}

static unsigned number_of(const char *name, unsigned otherwise)
{
	const char *value = getenv(name);
	return value && *value ? (unsigned)strtoul(value, NULL, 10) : otherwise;
}

int main(void)
{
	const char *build = getenv("MMSB_BUILDDIR"), *temporary = getenv("TMPDIR");
	unsigned kills = number_of("MMSB_KILLS", KILLS), seed = number_of("MMSB_KILL_SEED", 1), done = 0, trials = 0;
	snprintf(binary, sizeof binary, "%s/mmsb", build ? build : ".");
	snprintf(work, sizeof work, "%s/mmsb-kill-XXXXXX", temporary ? temporary : "/tmp");
	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(work))
		give_up(work);
	snprintf(source, sizeof source, "%s/p.mmsb", work);
	snprintf(deltas, sizeof deltas, "%s/deltas", work);
	write_file(source, program, strlen(program));
	state = seed;
	make_deltas();
	run_whole();
	while (done < kills && failed == 0)
		done += lives(trials++, kills - done < 6 ? kills - done : 6);
	if (failed == 0) {
		char remove[ROOM + 16];
		snprintf(remove, sizeof remove, "rm -rf '%s'", work);
		if (system(remove))
			give_up(work);
	}
	printf("seed %u: %u kills in %u folders\n%u passed, %u failed\n", seed, done, trials, passed, failed);
	free(fed.at);
	free(told.at);
	return failed > 0 || passed == 0;
}
