// SPDX-License-Identifier: Apache-2.0
#ifndef BARID_CSQLITE_SHIM_H
#define BARID_CSQLITE_SHIM_H

#include <sqlite3.h>

// SQLITE_STATIC and SQLITE_TRANSIENT are casts of integers to function pointers, which Swift does
// not import. These bind with the one or the other.

// sqlite3_config takes variable arguments, which Swift does not import.
static inline int barid_keep_no_memory_statistics(void) {
    return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static inline int barid_read_page_cache(sqlite3_pcache_methods2 *methods) {
    return sqlite3_config(SQLITE_CONFIG_GETPCACHE2, methods);
}

static inline int barid_set_page_cache(sqlite3_pcache_methods2 *methods) {
    return sqlite3_config(SQLITE_CONFIG_PCACHE2, methods);
}

// The open file of the write-ahead log, or NULL; sqlite3_file_control takes a void pointer to it.
static inline sqlite3_file *barid_log_file(sqlite3 *database) {
    sqlite3_file *file = 0;
    int status = sqlite3_file_control(database, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
    return status == SQLITE_OK && file && file->pMethods ? file : 0;
}

static inline int barid_bind_blob_borrowed(sqlite3_stmt *statement, int index,
                                           const void *bytes, int count) {
    return sqlite3_bind_blob(statement, index, bytes, count, SQLITE_STATIC);
}

static inline int barid_bind_blob_copied(sqlite3_stmt *statement, int index,
                                         const void *bytes, int count) {
    return sqlite3_bind_blob(statement, index, bytes, count, SQLITE_TRANSIENT);
}

static inline int barid_bind_text_copied(sqlite3_stmt *statement, int index,
                                         const char *bytes, int count) {
    return sqlite3_bind_text(statement, index, bytes, count, SQLITE_TRANSIENT);
}

#endif
