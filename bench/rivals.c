/* rivals.c - LMDB, SQLite and RocksDB, as their manuals say that small durable commits are made fast: appended keys, one transaction or
 * batch for a group, prepared statements. What is declared here of their interfaces is what is called. */
#include "rivals.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void stop(const char *name, const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", name, what);
	exit(1);
}

/* The first of these libraries that is there. */
static void *library(const char *const *names)
{
	void *lib = NULL;
	for (int i = 0; names[i] && !lib; i++)
		lib = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	return lib;
}

/* A function's address; without it, the library is of another version. */
static void find(void *lib, const char *name, void *function)
{
	void *at = dlsym(lib, name);
	if (!at)
		stop(name, "is not in the library");
	memcpy(function, &at, sizeof at);
}

/* The key, so that the order of bytes is that of numbers. */
static void big_endian(uint64_t key, unsigned char at[8])
{
	for (int i = 0; i < 8; i++)
		at[i] = (unsigned char)(key >> (56 - 8 * i));
}

/* ---- LMDB: syncs at each commit unless told otherwise ---- */

typedef struct mdb_val {
	size_t size;
	const void *data;
} mdb_val;
enum { MDB_APPEND = 0x20000, MDB_CREATE = 0x40000 };

static struct {
	int (*env_create)(void **);
	int (*env_set_mapsize)(void *, size_t);
	int (*env_open)(void *, const char *, unsigned, unsigned);
	void (*env_close)(void *);
	int (*txn_begin)(void *, void *, unsigned, void **);
	int (*txn_commit)(void *);
	int (*dbi_open)(void *, const char *, unsigned, unsigned *);
	int (*put)(void *, unsigned, mdb_val *, mdb_val *, unsigned);
	void *env;
	unsigned dbi;
} lmdb;

static bool lmdb_load(void)
{
	void *lib = library((const char *const[]){"liblmdb.so.0", "liblmdb.so", NULL});
	if (!lib)
		return false;
	find(lib, "mdb_env_create", &lmdb.env_create);
	find(lib, "mdb_env_set_mapsize", &lmdb.env_set_mapsize);
	find(lib, "mdb_env_open", &lmdb.env_open);
	find(lib, "mdb_env_close", &lmdb.env_close);
	find(lib, "mdb_txn_begin", &lmdb.txn_begin);
	find(lib, "mdb_txn_commit", &lmdb.txn_commit);
	find(lib, "mdb_dbi_open", &lmdb.dbi_open);
	find(lib, "mdb_put", &lmdb.put);
	return true;
}

static void lmdb_check(int status)
{
	if (status)
		stop("LMDB", "a call failed");
}

static void lmdb_open(const char *folder)
{
	void *txn;
	lmdb_check(lmdb.env_create(&lmdb.env));
	lmdb_check(lmdb.env_set_mapsize(lmdb.env, (size_t)8 << 30));
	lmdb_check(lmdb.env_open(lmdb.env, folder, 0, 0644));
	lmdb_check(lmdb.txn_begin(lmdb.env, NULL, 0, &txn));
	lmdb_check(lmdb.dbi_open(txn, NULL, MDB_CREATE, &lmdb.dbi));
	lmdb_check(lmdb.txn_commit(txn));
}

static void lmdb_group(uint64_t first, uint64_t n, const void *value, size_t bytes)
{
	void *txn;
	lmdb_check(lmdb.txn_begin(lmdb.env, NULL, 0, &txn));
	for (uint64_t i = 0; i < n; i++) {
		unsigned char key[8];
		big_endian(first + i, key);
		lmdb_check(lmdb.put(txn, lmdb.dbi, &(mdb_val){8, key}, &(mdb_val){bytes, value}, MDB_APPEND));
	}
	lmdb_check(lmdb.txn_commit(txn));
}

static void lmdb_close(void) { lmdb.env_close(lmdb.env); }

/* ---- SQLite: WAL, synchronous = FULL ---- */

enum { SQLITE_ROW = 100, SQLITE_DONE = 101 };

static struct {
	int (*open)(const char *, void **);
	int (*close)(void *);
	int (*exec)(void *, const char *, void *, void *, char **);
	int (*prepare)(void *, const char *, int, void **, const char **);
	int (*bind_int64)(void *, int, long long);
	int (*bind_blob)(void *, int, const void *, int, void (*)(void *));
	int (*step)(void *);
	int (*reset)(void *);
	int (*finalize)(void *);
	void *db, *insert;
} sqlite;

static bool sqlite_load(void)
{
	void *lib = library((const char *const[]){"libsqlite3.so.0", "libsqlite3.so", NULL});
	if (!lib)
		return false;
	find(lib, "sqlite3_open", &sqlite.open);
	find(lib, "sqlite3_close", &sqlite.close);
	find(lib, "sqlite3_exec", &sqlite.exec);
	find(lib, "sqlite3_prepare_v2", &sqlite.prepare);
	find(lib, "sqlite3_bind_int64", &sqlite.bind_int64);
	find(lib, "sqlite3_bind_blob", &sqlite.bind_blob);
	find(lib, "sqlite3_step", &sqlite.step);
	find(lib, "sqlite3_reset", &sqlite.reset);
	find(lib, "sqlite3_finalize", &sqlite.finalize);
	return true;
}

static void sqlite_check(bool ok)
{
	if (!ok)
		stop("SQLite", "a call failed");
}

static void sqlite_run(const char *text) { sqlite_check(sqlite.exec(sqlite.db, text, NULL, NULL, NULL) == 0); }

static void sqlite_open(const char *folder)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/db", folder);
	sqlite_check(sqlite.open(path, &sqlite.db) == 0);
	sqlite_run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE log(epoch INTEGER PRIMARY KEY, delta BLOB)");
	sqlite_check(sqlite.prepare(sqlite.db, "INSERT INTO log VALUES(?, ?)", -1, &sqlite.insert, NULL) == 0);
}

static void sqlite_group(uint64_t first, uint64_t n, const void *value, size_t bytes)
{
	sqlite_run("BEGIN");
	for (uint64_t i = 0; i < n; i++) {
		sqlite_check(sqlite.bind_int64(sqlite.insert, 1, (long long)(first + i)) == 0);
		sqlite_check(sqlite.bind_blob(sqlite.insert, 2, value, (int)bytes, NULL) == 0);
		sqlite_check(sqlite.step(sqlite.insert) == SQLITE_DONE);
		sqlite_check(sqlite.reset(sqlite.insert) == 0);
	}
	sqlite_run("COMMIT");
}

static void sqlite_close(void)
{
	sqlite.finalize(sqlite.insert);
	sqlite.close(sqlite.db);
}

/* ---- RocksDB: a synced batch ---- */

static struct {
	void *(*options_create)(void);
	void (*options_set_create_if_missing)(void *, unsigned char);
	void *(*open)(const void *, const char *, char **);
	void (*close)(void *);
	void *(*writeoptions_create)(void);
	void (*writeoptions_set_sync)(void *, unsigned char);
	void *(*batch_create)(void);
	void (*batch_clear)(void *);
	void (*batch_put)(void *, const char *, size_t, const char *, size_t);
	void (*write)(void *, const void *, void *, char **);
	void *db, *options, *batch;
} rocks;

static bool rocks_load(void)
{
	void *lib = library((const char *const[]){"librocksdb.so", "librocksdb.so.7.8", "librocksdb.so.8", "librocksdb.so.9", NULL});
	if (!lib)
		return false;
	find(lib, "rocksdb_options_create", &rocks.options_create);
	find(lib, "rocksdb_options_set_create_if_missing", &rocks.options_set_create_if_missing);
	find(lib, "rocksdb_open", &rocks.open);
	find(lib, "rocksdb_close", &rocks.close);
	find(lib, "rocksdb_writeoptions_create", &rocks.writeoptions_create);
	find(lib, "rocksdb_writeoptions_set_sync", &rocks.writeoptions_set_sync);
	find(lib, "rocksdb_writebatch_create", &rocks.batch_create);
	find(lib, "rocksdb_writebatch_clear", &rocks.batch_clear);
	find(lib, "rocksdb_writebatch_put", &rocks.batch_put);
	find(lib, "rocksdb_write", &rocks.write);
	return true;
}

static void rocks_open(const char *folder)
{
	char *err = NULL;
	void *options = rocks.options_create();
	rocks.options_set_create_if_missing(options, 1);
	rocks.db = rocks.open(options, folder, &err);
	if (err)
		stop("RocksDB", err);
	rocks.options = rocks.writeoptions_create();
	rocks.writeoptions_set_sync(rocks.options, 1);
	rocks.batch = rocks.batch_create();
}

static void rocks_group(uint64_t first, uint64_t n, const void *value, size_t bytes)
{
	char *err = NULL;
	rocks.batch_clear(rocks.batch);
	for (uint64_t i = 0; i < n; i++) {
		unsigned char key[8];
		big_endian(first + i, key);
		rocks.batch_put(rocks.batch, (const char *)key, 8, value, bytes);
	}
	rocks.write(rocks.db, rocks.options, rocks.batch, &err);
	if (err)
		stop("RocksDB", err);
}

static void rocks_close(void) { rocks.close(rocks.db); }

const rival rivals[RIVALS] = {
    [RIVAL_LMDB] = {"LMDB", "liblmdb0", lmdb_load, lmdb_open, lmdb_group, lmdb_close},
    [RIVAL_SQLITE] = {"SQLite", "libsqlite3-0", sqlite_load, sqlite_open, sqlite_group, sqlite_close},
    [RIVAL_ROCKSDB] = {"RocksDB", "librocksdb7.8", rocks_load, rocks_open, rocks_group, rocks_close},
};
