/* events.h - what epoch.c and durable state tell subscribers (mmsb.h). Internal. */
#ifndef MMSB_EVENTS_H
#define MMSB_EVENTS_H

#include "instance.h"

/* Somebody is subscribed: ticks are told one by one then. */
bool events_wanted(const mmsb_instance *);

/* A callback is at work: nothing may be committed. */
bool events_telling(const mmsb_instance *);

/* An epoch is published: that it began, what it changed, that it is there. */
void events_epoch(mmsb_instance *, uint64_t epoch, const char *source);

/* A checkpoint of this epoch counts from now on. */
void events_checkpoint(mmsb_instance *, uint64_t epoch);

/* The epoch could not be had, or (epoch: the last that stands) the instance has become read-only. */
void events_failed(mmsb_instance *, uint64_t epoch, const mmsb_error *why);

void events_free(mmsb_instance *);

#endif
