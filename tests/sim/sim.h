/*
 * Scenarios: what programs do to a kernel, each with a model of what must come out.  A scenario is a function that starts a machine with the
 * seed, runs, checks with MUST, and stops the machine.  It runs in a process of its own, so it may leave anything behind.
 *
 * Randomness: sim_random, seeded with the seed; never the host's.  A program of the kernel that wants its own stream makes a struct stream.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include "host/auk.h"

enum { PAGE = 4096 };

/* What is wrong on purpose, to see that it is found. */
enum plant { PLANT_NONE, PLANT_NO_LOCK, PLANT_NO_WAKE, PLANT_NO_FLUSH, PLANT_LIMIT };

struct scenario {
	const char *name;
	void (*run)(uint64_t seed);
};

extern enum plant sim_plant;
extern const struct scenario sim_scenarios[];

struct stream { uint64_t state; };
uint64_t stream_next(struct stream *s);
struct stream stream_of(uint64_t seed, uint64_t number);

/** MUST - what has to hold; if not, the machine ends with the seed, the scenario and the last switches. */
#define MUST(cond) must(cond, #cond, __FILE__, __LINE__)
#define MUST_EQ(a, b) must_eq(a, b, #a, __FILE__, __LINE__)
void must(bool ok, const char *what, const char *file, int line);
void must_eq(long got, long want, const char *what, const char *file, int line);

/** sim_start - a machine with the seed; sim_stop - end it: no page may have leaked. */
void sim_start(uint64_t seed, unsigned cpus, const struct auk_device *devices, unsigned count);
void sim_stop(void);
/** sim_stop_with - the same where exactly so many pages are still with devices, which were not at the start. */
void sim_stop_with(long pages);
/** sim_dev - mount /dev, with @buf for names. */
void sim_dev(uint64_t buf);
/** sim_path - write a path to user page @at and give it back. */
uint64_t sim_path(uint64_t at, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** sim_shared - user memory that children share. */
uint64_t sim_shared(size_t bytes);
uint32_t sim_load(uint64_t at);
void sim_store(uint64_t at, uint32_t v);

void scenario_processes(uint64_t seed);
void scenario_tmpfs(uint64_t seed);
void scenario_cow(uint64_t seed);
void scenario_futex(uint64_t seed);
void scenario_disk(uint64_t seed);
void scenario_ext4(uint64_t seed);
void scenario_nomem(uint64_t seed);
void scenario_tcp(uint64_t seed);
void scenario_tcplisten(uint64_t seed);
void scenario_tcpnomem(uint64_t seed);
void scenario_net(uint64_t seed);
void scenario_netnomem(uint64_t seed);
void scenario_uring(uint64_t seed);
void scenario_uringmem(uint64_t seed);
void scenario_dirty(uint64_t seed);

#endif
