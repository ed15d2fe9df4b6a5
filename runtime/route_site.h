/* route_site.h - indices that cannot be undone: from what they come to, back to where they are computed. Internal.
 *
 * An index `wrap(x)[n[i]]` of which nobody knows how its value comes about depends on some variables alone: its *sites* are their values, numbered like the positions of a
 * page with these dimensions. What the index comes to at each site is kept, with a reverse index of it (index.h), and follows what it is computed from. An element whose
 * index has changed is evaluated for that reason: so it does not matter whether its site is found by where it was or where it is. */
#ifndef MMSB_ROUTE_SITE_H
#define MMSB_ROUTE_SITE_H

#include "plan.h"
#include "route_step.h"

struct route_site;

/* The sites of a register that is an index along a dimension, under a view (where it is a key: RV_ZERO); NULL: it cannot be evaluated apart, or there are too many. */
struct route_site *route_site_of(planner *, uint32_t reg, uint8_t view, int64_t extent);
void route_sites_free(kernel_plan *);

/* A value that solving leaves open, or that so many come to that following them costs more than looking them up. */
bool route_node_is_open(const planner *, const route_node *, uint8_t view, int64_t extent);

/* Before routes are walked in an epoch: all sites of the plan follow what they are computed from. Needs pass_look_up. */
void route_sites_follow(struct executor *, const kernel_plan *, uint64_t epoch);

/* What was followed in an epoch that failed is forgotten. */
void route_sites_forget(const kernel_plan *);

/* Goes on with step i + 1 for each site that comes to the value of the step's slot. */
void route_each_site(walk *, uint32_t i);

#endif
