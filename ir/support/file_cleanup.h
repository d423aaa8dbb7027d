/*
 * The list of temporary files and folders that an interrupt removes; used by file.c alone.
 * Everything the signal handler does is safe in a signal handler (POSIX.1-2017, 2.4.3): it
 * allocates nothing and takes no lock.
 */
#ifndef SERTN_IR_SUPPORT_FILE_CLEANUP_H
#define SERTN_IR_SUPPORT_FILE_CLEANUP_H

/*
 * Adds a path and returns its entry, or -1 when the list or a path is full, which costs only the
 * cleaning. A relative path is taken from the folder that is current when the signal comes.
 */
int file_cleanup_add(const char *path);
/* Takes an entry out; -1 does nothing. */
void file_cleanup_remove(int entry);

#endif
