/* Where the modules of the standard library are. */
#ifndef MMSB_LANG_STDLIB_DIR_H
#define MMSB_LANG_STDLIB_DIR_H

/* The first of these that is a folder: $MMSB_STDLIB; stdlib/ beside the running program (the build tree);
 * ../share/mmsb/stdlib from there (an installation that was moved); where `make install` put it.
 * A string to free(), or NULL when there is none or no memory. */
char *lang_stdlib_dir(void);

#endif
