/* What one command is to do. */
#include "runspec.h"

#include <stdlib.h>
#include <string.h>

#include "instance.h"
#include "number.h"

static void free_pair(run_pair *p)
{
	free(p->name);
	free(p->value);
	free(p->file);
}

static void free_list(run_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free_pair(&list->items[i]);
	free(list->items);
	*list = (run_list){NULL, 0, 0};
}

void runspec_free(run_spec *spec)
{
	free(spec->program);
	free(spec->deltas);
	free(spec->events);
	free(spec->executor);
	free(spec->state);
	free(spec->source);
	free(spec->page);
	free_list(&spec->params);
	free_list(&spec->ins);
	free_list(&spec->outs);
	free_list(&spec->watches);
	free_list(&spec->dirs);
	*spec = (run_spec){.program = NULL};
}

static bool make_room(run_list *list)
{
	if (list->count < list->capacity)
		return true;
	size_t capacity = list->capacity * 2 + 8;
	run_pair *larger = realloc(list->items, capacity * sizeof *larger);
	if (larger == NULL)
		return false;
	list->items = larger;
	list->capacity = capacity;
	return true;
}

bool runspec_add(run_list *list, const char *name, const char *value, const char *file, uint64_t line, uint64_t col)
{
	run_pair p = {strdup(name), value == NULL ? NULL : strdup(value), file == NULL ? NULL : strdup(file), line, col};
	bool copied = p.name != NULL && (value == NULL) == (p.value == NULL) && (file == NULL) == (p.file == NULL);
	if (!copied || !make_room(list)) {
		free_pair(&p);
		return false;
	}
	list->items[list->count++] = p;
	return true;
}

int runspec_executor(const char *name)
{
	static const char *const names[] = {[MMSB_AUTOMATIC] = "automatic", [MMSB_PORTABLE] = "portable", [MMSB_NATIVE] = "native", [MMSB_CUDA] = "cuda"};
	for (int i = 0; i < (int)(sizeof names / sizeof names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	return -1;
}

/* A whole number from 1 on that a text begins with. */
static bool leading_number(const char *text, const char **rest, uint64_t *out)
{
	scalar value;
	*rest = text + strspn(text, "0123456789");
	if (number_parse(text, *rest, T_U64, NUMBER_STRICT, &value) != NUMBER_OK || value.U64 == 0)
		return false;
	*out = value.U64;
	return true;
}

bool runspec_checkpoint(run_spec *spec, const char *text)
{
	static const struct {
		const char *unit;
		run_option option;
		unsigned shift;
	} units[] = {{"", RUN_CHECKPOINT_EPOCHS, 0}, {"s", RUN_CHECKPOINT_SECONDS, 0}, {"K", RUN_CHECKPOINT_BYTES, 10},
	             {"M", RUN_CHECKPOINT_BYTES, 20}, {"G", RUN_CHECKPOINT_BYTES, 30}};
	const char *unit;
	uint64_t value;
	if (!leading_number(text, &unit, &value))
		return false;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(unit, units[i].unit) != 0 || value > UINT64_MAX >> units[i].shift)
			continue;
		runspec_set(spec, units[i].option, value << units[i].shift);
		return true;
	}
	return false;
}

bool runspec_durability(run_spec *spec, const char *text)
{
	static const char *const names[] = {[MMSB_DURABLE_EPOCH] = "epoch", [MMSB_DURABLE_OS] = "os", [MMSB_DURABLE_NONE] = "none"};
	for (int i = 0; i <= MMSB_DURABLE_NONE; i++)
		if (names[i] != NULL && strcmp(names[i], text) == 0) {
			runspec_set(spec, RUN_DURABILITY, (uint64_t)i);
			return true;
		}
	const char *rest;
	uint64_t ms;
	if (strncmp(text, "group=", 6) != 0 || !leading_number(text + 6, &rest, &ms) || *rest != '\0' || ms > 3600000)
		return false;
	runspec_set(spec, RUN_DURABILITY, MMSB_DURABLE_GROUP);
	runspec_set(spec, RUN_GROUP_MS, ms);
	return true;
}

int runspec_check(const run_spec *spec, mmsb_error *err)
{
	static const struct {
		run_option option;
		const char *name;
	} of_state[] = {{RUN_DURABILITY, "durability"}, {RUN_DIGEST_EVERY, "digest-every"}, {RUN_CHECKPOINT_EPOCHS, "checkpoint-every"},
	                {RUN_CHECKPOINT_BYTES, "checkpoint-every"}, {RUN_CHECKPOINT_SECONDS, "checkpoint-every"}, {RUN_KEEP, "keep"}};
	const char *alone = NULL;
	for (size_t i = 0; i < sizeof of_state / sizeof of_state[0] && spec->state == NULL; i++)
		if (spec->has[of_state[i].option])
			alone = of_state[i].name;
	if (alone != NULL)
		return fail(err, MMSB_USAGE, "--%s is for a run that is kept: --state DIR is missing, or 'state' in the run file", alone);
	if (spec->source != NULL && spec->state == NULL && spec->events == NULL)
		return fail(err, MMSB_USAGE, "--source stands in a log or in events: --state DIR or --events PATH is missing");
	if (spec->option[RUN_JSON] != 0 && spec->events == NULL)
		return fail(err, MMSB_USAGE, "--json is about --events, which is missing");
	return MMSB_OK;
}

bool runspec_text(char **at, const char *text)
{
	char *copy = strdup(text);
	if (copy == NULL)
		return false;
	free(*at);
	*at = copy;
	return true;
}

static bool has_name(const run_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].name, name) == 0)
			return true;
	return false;
}

/* Moves the pairs of over to base; by_name: they replace those of base with the same name. */
static bool merge_list(run_list *base, run_list *over, bool by_name)
{
	size_t kept = 0;
	for (size_t i = 0; i < base->count; i++) {
		if (by_name && has_name(over, base->items[i].name))
			free_pair(&base->items[i]);
		else
			base->items[kept++] = base->items[i];
	}
	base->count = kept;
	for (size_t i = 0; i < over->count; i++) {
		if (!make_room(base)) {
			memmove(over->items, over->items + i, (over->count - i) * sizeof *over->items);
			over->count -= i;
			return false;
		}
		base->items[base->count++] = over->items[i];
	}
	over->count = 0;
	return true;
}

static void merge_text(char **base, char **over)
{
	if (*over == NULL)
		return;
	free(*base);
	*base = *over;
	*over = NULL;
}

int runspec_merge(run_spec *base, run_spec *over, mmsb_error *err)
{
	merge_text(&base->deltas, &over->deltas);
	merge_text(&base->events, &over->events);
	merge_text(&base->executor, &over->executor);
	merge_text(&base->state, &over->state);
	merge_text(&base->source, &over->source);
	merge_text(&base->page, &over->page);
	bool when = over->has[RUN_CHECKPOINT_EPOCHS] || over->has[RUN_CHECKPOINT_BYTES] || over->has[RUN_CHECKPOINT_SECONDS];
	for (int i = RUN_CHECKPOINT_EPOCHS; i <= RUN_CHECKPOINT_SECONDS && when; i++) {
		base->has[i] = false;
		base->option[i] = 0;
	}
	for (int i = 0; i < RUN_OPTIONS; i++)
		if (over->has[i])
			runspec_set(base, (run_option)i, over->option[i]);
	bool merged = merge_list(&base->params, &over->params, true) && merge_list(&base->ins, &over->ins, true) &&
	              merge_list(&base->outs, &over->outs, false) && merge_list(&base->watches, &over->watches, false) &&
	              merge_list(&base->dirs, &over->dirs, false);
	runspec_free(over);
	return merged ? MMSB_OK : fail_memory(err, sizeof(run_pair), "the options of the run");
}
